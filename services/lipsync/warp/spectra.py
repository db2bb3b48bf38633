"""Mel spectra of a voice as it comes, four for every film frame, the same at every sample rate.

Mel scale: m = 2595 log10(1 + f / 700) (O'Shaughnessy 1987).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy import float32, float64, int16
from numpy.typing import NDArray

from services.media.timeline import samples_per_frame

BANDS = 32
STEPS = 4
"""Spectra of a film frame: one every 10 ms."""

_WINDOW_S = 0.025
_LOWEST_HZ, _HIGHEST_HZ = 60.0, 7600.0  # what a voice at 16 kHz has
_FLOOR = 1e-7  # of the power of full scale: what is quieter does not count
_MIDDLE, _SPREAD = -4.5, 1.5  # log10 of the powers of usual speech, brought to about -1 to 1


def spectra(audio: Iterable[NDArray[int16]], sample_rate_hz: int) -> Iterator[NDArray[float32]]:
    """Log mel powers of each film frame, shape (STEPS, BANDS); the last frame is padded with silence.

    `audio`: int16 mono chunks of any length. The windows of a frame end with the frame. Raises ValueError when a frame
    is not a whole number of samples.
    """
    frame, mels = samples_per_frame(sample_rate_hz), _Mels(sample_rate_hz)
    held = np.zeros(mels.before, int16)
    for chunk in audio:
        held = np.concatenate([held, chunk])
        while len(held) >= mels.before + frame:
            yield mels.of(held[: mels.before + frame])
            held = held[frame:]
    if len(held) > mels.before:
        yield mels.of(np.pad(held, (0, mels.before + frame - len(held))))


class _Mels:
    """The spectra of a film frame from its samples and the `before` ones before it."""

    def __init__(self, sample_rate_hz: int) -> None:
        window, frame = round(_WINDOW_S * sample_rate_hz), samples_per_frame(sample_rate_hz)
        ends = [round(frame * (step + 1) / STEPS) for step in range(STEPS)]
        self.before = window - ends[0]
        self._starts = [end - ends[0] for end in ends]
        self._window = np.hanning(window)
        self._bands = _bands(window, sample_rate_hz) * 2 / (np.square(self._window).sum() * window)

    def of(self, samples: NDArray[int16]) -> NDArray[float32]:
        windows = np.stack([samples[start : start + len(self._window)] for start in self._starts]) / 32768.0
        powers = np.square(np.abs(np.fft.rfft(windows * self._window))) @ self._bands
        return np.asarray((np.log10(powers + _FLOOR) - _MIDDLE) / _SPREAD, float32)


def silence() -> NDArray[float32]:
    """The spectra of a film frame without sound."""
    return np.full((STEPS, BANDS), (np.log10(_FLOOR) - _MIDDLE) / _SPREAD, float32)


def _bands(window: int, sample_rate_hz: int) -> NDArray[float64]:
    """Triangular bands, shape (window // 2 + 1, BANDS)."""
    lowest, highest = (2595 * np.log10(1 + hertz / 700) for hertz in (_LOWEST_HZ, _HIGHEST_HZ))
    edges_hz = 700 * (10 ** (np.linspace(lowest, highest, BANDS + 2) / 2595) - 1)
    low, centre, high = edges_hz[:-2], edges_hz[1:-1], edges_hz[2:]
    hertz = np.fft.rfftfreq(window, 1 / sample_rate_hz)[:, None]
    return np.asarray(np.clip(np.minimum((hertz - low) / (centre - low), (high - hertz) / (high - centre)), 0, None))
