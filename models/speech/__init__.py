"""Speech recognition: the engine contract and its implementations."""
