"""The film's sound: voice as it is, music ducked under it, loudness brought to target, peaks limited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.film.conform import Progress
from orchestrator.film.segment import VoiceSegment


@dataclass(frozen=True)
class MusicBed:
    """Music under the voice: `gain_db` against the file's own level, lowered by `ducking_db` while there is speech."""

    path: Path
    gain_db: float = -18.0
    ducking_db: float = 8.0


@dataclass(frozen=True)
class MixReport:
    """The finished sound: AAC 48 kHz stereo in an M4A, exactly `frames` film frames long; figures by EBU R 128."""

    path: Path
    frames: int
    integrated_lufs: float
    true_peak_dbtp: float
    gain_db: float


def gain_db_of_slider(position: float) -> float:
    """Gain of the studio's volume slider, 0 to 100: 0 -> -inf, 25 -> -30, 50 -> -18, 100 -> -6 dB."""
    raise NotImplementedError


def mix_film(
    voices: Sequence[VoiceSegment],
    target: Path,
    *,
    music: MusicBed | None = None,
    loudness_lufs: float | None = -14.0,
    progress: Progress = lambda _done, _total: None,
) -> MixReport:
    """Writes the film's sound to `target` (M4A). `loudness_lufs` None leaves the voice at its own level.

    Raises InvalidInputError (field "spec.music") when the music cannot be read.
    """
    raise NotImplementedError
