"""Segments become one film by copying packets; nothing is encoded again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from orchestrator.film.segment import FilmSegment


def join_film(
    segments: Sequence[FilmSegment], audio: Path | None, target: Path, metadata: Mapping[str, str] | None = None
) -> int:
    """Writes a faststart MP4 of the segments in order and the AAC stream of `audio`; returns its frames.

    `metadata` as of `metadata.film_metadata`. Raises InternalError when segments do not fit each other.
    """
    raise NotImplementedError
