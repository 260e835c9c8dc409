"""Vivavoce: real-time speech-to-text that keeps what it has acknowledged."""

__version__ = "0.1.0"
