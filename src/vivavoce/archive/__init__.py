"""Finished sessions: their records and their recordings."""
