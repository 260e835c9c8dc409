"""Utterances to text: the engine contract, the models, the scheduler and the workers."""
