"""Encodes speech: `python -m services.media.speech.encoder mp3 24000`, int16 mono in on stdin, the file out on stdout.

A process of its own, for a gateway that loads no codec. What is encoded leaves while the rest is still being spoken.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from io import FileIO
from typing import BinaryIO

import av
import numpy as np

from services.media.confinement.kernel import die_with_parent
from services.media.confinement.task import Limits

_LIMITS = Limits(cpu_s=600, memory_bytes=2 << 30, written_bytes=0)
_READ_BYTES = 1 << 16
_CODECS = {"mp3": ("libmp3lame", "mp3"), "opus": ("libopus", "ogg"), "aac": ("aac", "adts"), "flac": ("flac", "flac")}
_SOON = {"flush_packets": "1"}
_OGG_SOON = {**_SOON, "page_duration": "200000"}  # microseconds; a page is a second otherwise


def encode(samples: BinaryIO, target: str, format_: str, rate_hz: int) -> None:
    """Writes what comes from `samples` to `target`, one of FFmpeg's addresses."""
    codec, container = _CODECS[format_]
    with av.open(target, "w", format=container, options=_OGG_SOON if container == "ogg" else _SOON) as file:
        stream = file.add_stream(codec, rate=rate_hz)
        assert isinstance(stream, av.AudioStream)
        stream.layout = "mono"
        first_sample = 0
        for pcm in _whole_samples(samples):
            frame = av.AudioFrame.from_ndarray(np.frombuffer(pcm, "<i2")[None], format="s16", layout="mono")
            frame.sample_rate, frame.pts = rate_hz, first_sample
            first_sample += frame.samples
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def _whole_samples(samples: BinaryIO) -> Iterator[bytes]:
    """As they come; a pipe may cut in the middle of one."""
    half = b""
    while data := samples.read(_READ_BYTES):
        data = half + data
        whole = len(data) & ~1
        half = data[whole:]
        if whole:
            yield data[:whole]


if __name__ == "__main__":
    die_with_parent()
    _LIMITS.hold()
    encode(FileIO(0), "pipe:1", sys.argv[1], int(sys.argv[2]))
