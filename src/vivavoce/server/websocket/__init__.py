"""The WebSocket endpoint: handshakes, frames, keepalive, and the bridge to the application."""
