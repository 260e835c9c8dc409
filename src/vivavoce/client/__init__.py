"""The client SDK: one connection without I/O, and the transports over it."""
