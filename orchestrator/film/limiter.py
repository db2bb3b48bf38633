"""A true-peak limiter that sees all of the film's peaks before it changes anything.

Its gain is smooth, reaches what a peak needs in time and goes back as slowly; the first pass over the sound collects
one peak a millisecond, the second applies the gain.
"""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy import float32
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from services.media.sound import SOUND_RATE_HZ, Sound, at_samples, rechunked

HOP_SAMPLES = SOUND_RATE_HZ // 1000
_REACH_HOPS = 20
"""Half of the time that the gain takes down to a peak and back."""
_TAPS = 16  # per phase
_OVERSAMPLING = 4  # as ITU-R BS.1770-4, annex 2 asks for at 48 kHz


def _interpolators() -> NDArray[float32]:
    """Windowed-sinc filters that give the samples a quarter, half and three quarters of the way to the next."""
    shifts = np.arange(1, _OVERSAMPLING)[:, None] / _OVERSAMPLING
    times = np.arange(_TAPS) - (_TAPS // 2 - 1) - shifts
    window = np.cos(np.pi * times / (_TAPS + 1)) ** 2
    filters = np.sinc(times) * window
    return np.asarray(filters / filters.sum(axis=1, keepdims=True), float32)


_INTERPOLATORS = _interpolators()


def _head() -> NDArray[float32]:
    """The filter that ITU-R BS.1770-4 (table 1) takes for a head at 48 kHz, as the 64 samples in which it fades."""
    b, a = (1.53512485958697, -2.69169618940638, 1.19839281085285), (-1.69065929318241, 0.73248077421585)
    response = [0.0, 0.0]
    for step in range(64):
        response.append((b[step] if step < 3 else 0.0) - a[0] * response[-1] - a[1] * response[-2])
    return np.array(response[:1:-1], float32)[None]  # the last one first, as OpenCV correlates


_HEAD = _head()


def true_peaks(blocks: Iterable[Sound]) -> NDArray[float32]:
    """Largest magnitude between and on the samples of all channels, one value a hop."""
    peaks = [_peaks(block) for block in rechunked(blocks, 1000 * HOP_SAMPLES)]
    return np.concatenate(peaks) if peaks else np.empty(0, float32)


def _peaks(block: Sound) -> NDArray[float32]:
    largest = np.abs(block).max(axis=0)
    for taps in _INTERPOLATORS:
        between = cv2.filter2D(block, -1, taps[None], borderType=cv2.BORDER_REPLICATE)
        for channel in np.abs(between, out=between):
            np.maximum(largest, channel, out=largest)
    padded = np.pad(largest, (0, -len(largest) % HOP_SAMPLES))
    return np.asarray(padded.reshape(-1, HOP_SAMPLES).max(axis=1), float32)


def powers(blocks: Iterable[Sound]) -> NDArray[float32]:
    """Mean square of all channels as loud as ears take it, one value a hop."""
    means = [_powers(block) for block in rechunked(blocks, 1000 * HOP_SAMPLES)]
    return np.concatenate(means) if means else np.empty(0, float32)


def _powers(block: Sound) -> NDArray[float32]:
    weighted = cv2.filter2D(block, -1, _HEAD, borderType=cv2.BORDER_REPLICATE, anchor=(_HEAD.shape[1] - 1, 0))
    square = np.square(weighted, out=weighted).mean(axis=0)
    padded = np.pad(square, (0, -len(square) % HOP_SAMPLES))
    return np.asarray(padded.reshape(-1, HOP_SAMPLES).mean(axis=1), float32)


class Limiter:
    """Gain over time that keeps every peak at or below a ceiling."""

    def __init__(
        self, peaks: NDArray[float32], gain: float, ceiling: float, excess: NDArray[float32] | None = None
    ) -> None:
        """For sound with these true `peaks` per hop, amplified by `gain` first; `gain` and `ceiling` are amplitudes.

        `excess`: by which factors, per hop, what becomes of the sound afterwards was too high once before.
        """
        self._gain = float32(gain)
        self._needed = float32(ceiling) / np.maximum(self._gain * peaks, float32(ceiling))
        if excess is not None:
            self._needed /= excess

    def apply(self, sound: Sound, first_sample: int) -> Sound:
        """Limits a block that begins at `first_sample` of the film."""
        first, end = first_sample // HOP_SAMPLES - 1, (first_sample + sound.shape[1]) // HOP_SAMPLES + 2
        limiting = at_samples(
            self._limiting(first, end), HOP_SAMPLES, first_sample - first * HOP_SAMPLES, sound.shape[1]
        )
        return sound * (self._gain * limiting)

    def factors(self) -> NDArray[float32]:
        """What it lowers the sound by, one factor a hop, up to 1."""
        return self._limiting(0, len(self._needed))

    def _limiting(self, first: int, end: int) -> NDArray[float32]:
        """One factor per hop, up to 1. The first and last peak continue beyond the ends of the film."""
        reach = 2 * _REACH_HOPS + 1
        needed = self._needed[np.clip(np.arange(first - reach, end + reach), 0, len(self._needed) - 1)]
        if needed.min() == 1:  # as in most of a film
            return np.ones(end - first, float32)
        # A hop more than the reach, because the factor runs straight from the middle of one hop to the next.
        lowest = sliding_window_view(needed, 2 * _REACH_HOPS + 3).min(axis=1)
        return np.asarray(sliding_window_view(lowest, 2 * _REACH_HOPS + 1).mean(axis=1), float32)
