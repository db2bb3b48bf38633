"""Pieces of speech joined: the model's own silence is cut away, its edges are faded, pauses follow the punctuation."""

from __future__ import annotations

import numpy as np
from numpy import float32, int16
from numpy.typing import NDArray

from services.tts.kokoro.network import SAMPLE_RATE_HZ

_FRAME = SAMPLE_RATE_HZ // 200  # 5 ms
_BELOW_LOUDEST_DB = 45.0  # quieter frames at the edges are silence; the breath of an s or an f is 20 to 35 below
_KEPT_BEFORE_S, _KEPT_AFTER_S = 0.03, 0.06
_FADE_IN_S, _FADE_OUT_S = 0.01, 0.04
_FULL_SCALE = 32767.0


def without_silence(wave: NDArray[float32]) -> NDArray[float32]:
    """The part of samples (n,) that sounds, with a little before and after it, faded at both ends."""
    frames = wave[: len(wave) // _FRAME * _FRAME].reshape(-1, _FRAME)
    level = np.sqrt((frames**2).mean(axis=1))
    if not level.size or level.max() == 0:
        return np.zeros(0, float32)
    loud = np.flatnonzero(level > level.max() * 10 ** (-_BELOW_LOUDEST_DB / 20))
    start = max(0, int(loud[0]) * _FRAME - _samples(_KEPT_BEFORE_S))
    end = min(len(wave), int(loud[-1] + 1) * _FRAME + _samples(_KEPT_AFTER_S))
    return _faded(wave[start:end].copy())


def pcm_of(wave: NDArray[float32], pause_s: float) -> NDArray[int16]:
    """16-bit samples of a piece and of the pause after it."""
    samples = np.clip(np.rint(wave * _FULL_SCALE), -32768, 32767).astype(int16)
    return np.concatenate((samples, np.zeros(_samples(pause_s), int16)))


def _faded(wave: NDArray[float32]) -> NDArray[float32]:
    rise, fall = (min(_samples(seconds), len(wave)) for seconds in (_FADE_IN_S, _FADE_OUT_S))
    wave[:rise] *= _ramp(rise)
    wave[len(wave) - fall :] *= _ramp(fall)[::-1]
    return wave


def _ramp(samples: int) -> NDArray[float32]:
    return (np.sin(np.pi / 2 * np.arange(samples) / max(1, samples)) ** 2).astype(float32)


def _samples(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE_HZ)
