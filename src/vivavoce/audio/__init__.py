"""Bytes to samples and samples to recordings. No I/O: bytes come in, arrays go out."""
