"""Load tests: many concurrent streams against a server, and the times of its messages."""
