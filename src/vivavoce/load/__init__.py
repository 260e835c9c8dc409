"""Load: many speakers at once against a server, and what they saw and when."""
