"""The pieces a film is joined from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class FilmSegment:
    """One segment's pictures: an MP4 of `frames` film frames, one H.264 stream, closed GOPs, no sound."""

    path: Path
    frames: int


@dataclass(frozen=True)
class VoiceSegment:
    """One segment's voice: a WAV file, int16 mono, no longer than `frames` film frames; the rest is silence."""

    path: Path
    frames: int
