"""What inspection finds out about media. Plain data: it comes as JSON from the limited child."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(frozen=True)
class FootageFacts:
    """A video or a picture, upright: size in pixels, frames (1 for a picture), rate, length, and a small JPEG of it.

    `notes` are sentences on what was skipped.
    """

    width: int
    height: int
    frames: int
    frame_rate_hz: float
    duration_s: float
    poster: bytes
    notes: list[str] = field(default_factory=list)

    __pydantic_config__: ClassVar[dict[str, str]] = {"val_json_bytes": "hex"}


@dataclass(frozen=True)
class SoundFacts:
    """A recording: EBU R 128 loudness and true peak, and the largest sample magnitude (0 to 1) of equal stretches.

    Loudness and peaks are of two channels, as it is heard; `notes` are sentences on what was skipped.
    """

    duration_s: float
    sample_rate_hz: int
    channels: int
    loudness_lufs: float
    true_peak_dbtp: float
    waveform: list[float]
    notes: list[str] = field(default_factory=list)
