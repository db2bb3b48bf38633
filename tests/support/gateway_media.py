"""Sounds and clips for the gateway's tests."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

from tests.support.pictures import noise_picture, write_clip

RATE_HZ = 44_100


def write_sound(path: Path, amplitude: float = 0.1, duration_s: float = 2.0, codec: str = "pcm_s16le") -> Path:
    """997 Hz stereo, after which BS.1770 is calibrated: its loudness in LUFS is its level in dB against full scale."""
    time_s = np.arange(int(RATE_HZ * duration_s)) / RATE_HZ
    mono = (amplitude * np.sin(2 * np.pi * 997 * time_s) * 32767).astype(np.int16)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE_HZ)
        stream.layout = "stereo"
        frame = av.AudioFrame.from_ndarray(np.repeat(mono, 2)[None], format="s16", layout="stereo")
        frame.sample_rate, frame.pts = RATE_HZ, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_picture_clip(path: Path, frames: int = 30, width: int = 160, height: int = 96, **settings) -> Path:
    """A clip of soft noise at 30 frames a second."""
    random = np.random.default_rng(0)
    return write_clip(path, (noise_picture(width, height, random) for _ in range(frames)), 30, **settings)
