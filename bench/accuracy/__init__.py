"""Word errors of the live server against its own engine on whole recordings."""
