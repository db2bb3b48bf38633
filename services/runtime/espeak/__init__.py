"""espeak-ng: the voice that needs no checkpoint, and the reference that the aligner listens for."""
