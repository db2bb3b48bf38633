"""The finished prefix of a film as a fragmented MP4 that a browser plays while it grows: pictures and voice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from orchestrator.film.segment import FilmSegment, VoiceSegment


def write_preview(segments: Sequence[FilmSegment], voices: Sequence[VoiceSegment], target: Path) -> int:
    """Writes the finished segments, in order, as one fragmented MP4; returns its frames."""
    raise NotImplementedError
