"""Live sessions: a core without I/O, and the runner that feeds it."""
