"""The cover: a sharp, well lit frame of the film as a JPEG."""

from __future__ import annotations

from pathlib import Path


def write_cover(film: Path, target: Path) -> int:
    """Writes the best of a few frames of `film` as a JPEG to `target`; returns which frame it is."""
    raise NotImplementedError
