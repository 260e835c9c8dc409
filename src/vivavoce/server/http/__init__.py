"""HTTP: requests bounded in bytes and time, handed to the application or the WebSocket side."""
