"""From voice to mouth: loudness decides how far it opens, brightness how wide or round it is.

Works frame by frame on whole film frames, so the result does not depend on how the audio comes in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy import float64, int16
from numpy.typing import NDArray

from services.lipsync.warp.shape import MouthShape
from services.media.timeline import samples_per_frame

_VOICED_HZ = (150.0, 3000.0)  # where vowels have their energy; hiss lies above, rumble below
_BRIGHTNESS_HZ = (420.0, 1300.0)  # centroid of "oo" and of "ee" in that band
_SILENCE_DB = -58.0  # under full scale: quieter is a pause however quiet the voice
_FIRST_PEAK_DB = -24.0  # level of the loud vowels of speech at a usual -23 LUFS
_LOWEST_PEAK_DB = -46.0
_PEAK_RISE, _PEAK_FALL = 0.5, 0.04  # share of the way to the level of a frame; it falls only while there is voice
_FLOOR_RISES_DB = 0.1  # a frame: room noise is the quietest of the last seconds
_ABOVE_FLOOR_DB = 6.0
_RANGE_DB = 24.0  # from the closed mouth to the widest
_CURVE = 1.8  # speech is mostly half open; only its loudest vowels open wide
_SMOOTHING = (0.25, 0.5, 0.25)  # over three frames: a mouth cannot follow single 40 ms steps


def mouth_shapes(audio: Iterable[NDArray[int16]], sample_rate_hz: int) -> Iterator[MouthShape]:
    """One shape a film frame, the last frame padded with silence; looks ahead two frames.

    `audio`: int16 mono chunks of any length. Raises ValueError when a frame is not a whole number of samples.
    """
    loudness = _Loudness(sample_rate_hz)
    targets = (loudness.target(window) for window in _windows(audio, samples_per_frame(sample_rate_hz)))
    before, now = np.zeros(2), next(targets, None)
    while now is not None:
        after = next(targets, None)
        openness, width = np.average([before, now, np.zeros(2) if after is None else after], axis=0, weights=_SMOOTHING)
        yield MouthShape(float(openness), float(width))
        before, now = now, after


def _windows(audio: Iterable[NDArray[int16]], frame: int) -> Iterator[NDArray[float64]]:
    """Two frames of audio around each film frame, -1 to 1: half a frame before it, the frame, half a frame after."""
    margin = frame // 2
    held = np.zeros(margin)
    heard = given = 0
    for chunk in audio:
        held = np.concatenate([held, chunk / 32768.0])
        heard += len(chunk)
        while len(held) >= frame + 2 * margin:
            yield held[: frame + 2 * margin]
            held, given = held[frame:], given + 1
    for _ in range(-(-heard // frame) - given):
        held = np.pad(held, (0, max(0, frame + 2 * margin - len(held))))
        yield held[: frame + 2 * margin]
        held = held[frame:]


class _Loudness:
    """Judges windows one after the other against the voice's own level, which it learns on the way."""

    def __init__(self, sample_rate_hz: int) -> None:
        frame = samples_per_frame(sample_rate_hz)
        length = frame + 2 * (frame // 2)
        self._window = np.hanning(length)
        self._window_energy = float(np.square(self._window).sum())
        hertz = np.fft.rfftfreq(length, 1 / sample_rate_hz)
        self._voiced = (hertz >= _VOICED_HZ[0]) & (hertz <= _VOICED_HZ[1])
        self._hertz = hertz[self._voiced]
        self._length = length
        self._peak_db, self._floor_db = _FIRST_PEAK_DB, _SILENCE_DB

    def target(self, samples: NDArray[float64]) -> NDArray[float64]:
        """(opening, spread) that the sound of one window asks for."""
        power = np.square(np.abs(np.fft.rfft(samples * self._window))[self._voiced])
        mean_square = 2 * float(power.sum()) / (self._length * self._window_energy)
        level_db = 10 * float(np.log10(mean_square + 1e-12))
        self._learn(level_db)
        bottom_db = max(self._peak_db - _RANGE_DB, self._floor_db + _ABOVE_FLOOR_DB, _SILENCE_DB)
        opening = float(np.clip((level_db - bottom_db) / max(self._peak_db - bottom_db, _ABOVE_FLOOR_DB), 0, 1))
        if opening == 0:
            return np.zeros(2)
        return np.array([opening**_CURVE, _spread(float(power @ self._hertz / power.sum())) * min(1.0, 2 * opening)])

    def _learn(self, level_db: float) -> None:
        self._floor_db = max(_SILENCE_DB - _ABOVE_FLOOR_DB, min(level_db, self._floor_db + _FLOOR_RISES_DB))
        if level_db > self._peak_db:
            self._peak_db += _PEAK_RISE * (level_db - self._peak_db)
        elif level_db > max(_SILENCE_DB, self._floor_db + 2 * _ABOVE_FLOOR_DB):
            self._peak_db = max(_LOWEST_PEAK_DB, self._peak_db + _PEAK_FALL * (level_db - self._peak_db))


def _spread(centroid_hz: float) -> float:
    low, high = np.log(_BRIGHTNESS_HZ)
    return float(np.clip(2 * (np.log(max(centroid_hz, 1.0)) - low) / (high - low) - 1, -1, 1))
