"""The HTTP routes and the WebSocket gateway, and their composition."""
