"""What is known of a library's files by looking at them. Plain data: it crosses from the limited child by pickle."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class FootageFacts:
    """A video or a picture, upright: size in pixels, frames (1 for a picture), rate, length, and a small JPEG of it."""

    width: int
    height: int
    frames: int
    frame_rate_hz: float
    duration_s: float
    poster: bytes


@dataclass(frozen=True)
class SoundFacts:
    """A recording: EBU R 128 loudness and true peak, and the largest sample magnitude (0 to 1) of equal stretches."""

    duration_s: float
    sample_rate_hz: int
    channels: int
    loudness_lufs: float
    true_peak_dbtp: float
    waveform: list[float]


@dataclass(frozen=True)
class FontFacts:
    """A font: names by BCP 47 language, OpenType weight class (400 regular, 700 bold), ISO 15924 scripts it writes."""

    family: str
    weight: int
    italic: bool
    glyphs: int
    scripts: list[str]
    names: dict[str, str] = field(default_factory=dict)
    licence: str = ""
