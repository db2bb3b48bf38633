"""How the film's pictures are encoded: the same for every segment, so that segments join by copying packets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EncoderSettings:
    """Encoder, speed and quality. `h264_nvenc` falls back to `libx264` where no such device is."""

    codec: str = "libx264"
    preset: str = "veryfast"
    crf: int = 20
    threads: int = 0
