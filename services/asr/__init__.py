"""Speech recognition and alignment."""
