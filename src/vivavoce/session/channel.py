"""One channel of a live session: from speech probabilities to utterances."""
