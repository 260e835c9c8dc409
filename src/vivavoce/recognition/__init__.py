"""Speech recognition: the engine contract, the models, the scheduler and the workers."""
