"""Bytes to samples and samples to recordings. No I/O: bytes in, arrays out."""
