"""Compares the live server's word errors with those of its own engine on whole recordings."""
