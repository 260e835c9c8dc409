"""Samples to utterances: voice activity and endpointing. No I/O and no clock."""
