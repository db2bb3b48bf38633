"""A stream of int16 mono samples at another rate, the same however the stream is cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import soxr
from numpy import float32, int16
from numpy.typing import NDArray


class PcmResampler:
    """Brings a stream from one rate to another, chunk by chunk."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        # As floats: soxr dithers int16 output, which would then depend on how the audio was cut.
        self._stream = soxr.ResampleStream(from_hz, to_hz, 1, dtype="float32")

    def more(self, samples: NDArray[int16]) -> NDArray[int16]:
        """What the next samples complete."""
        return _int16(self._stream.resample_chunk(samples.astype(float32)))

    def rest(self) -> NDArray[int16]:
        """What was held back."""
        return _int16(self._stream.resample_chunk(np.empty(0, float32), last=True))


def resampled_pcm(audio: Iterable[NDArray[int16]], from_hz: int, to_hz: int) -> Iterator[NDArray[int16]]:
    """Samples at `to_hz`; yields one array a chunk, and what was held back at the end."""
    resampler = PcmResampler(from_hz, to_hz)
    yield from map(resampler.more, audio)
    yield resampler.rest()


def _int16(samples: NDArray[float32]) -> NDArray[int16]:
    return np.clip(np.rint(samples), -(2**15), 2**15 - 1).astype(int16)
