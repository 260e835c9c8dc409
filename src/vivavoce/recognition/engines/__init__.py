"""Speech engines, one module each, loaded by name inside a worker."""
