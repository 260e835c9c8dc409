"""Voice activity detection and endpointing: samples to utterances. No I/O and no clock."""
