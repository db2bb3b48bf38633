"""A stream of samples at another rate, the same however the stream is cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import soxr
from numpy import float32, int16
from numpy.typing import NDArray


def resampled(audio: Iterable[NDArray[int16]], from_hz: int, to_hz: int) -> Iterator[NDArray[int16]]:
    """Mono samples at `to_hz`; yields one array a chunk, and what was held back at the end."""
    # As floats: to int16 soxr dithers, and then the samples depend on how the audio was cut.
    stream = soxr.ResampleStream(from_hz, to_hz, 1, dtype="float32")
    for chunk in audio:
        yield _int16(stream.resample_chunk(chunk.astype(float32)))
    yield _int16(stream.resample_chunk(np.empty(0, float32), last=True))


def _int16(samples: NDArray[float32]) -> NDArray[int16]:
    return np.clip(np.rint(samples), -(2**15), 2**15 - 1).astype(int16)
