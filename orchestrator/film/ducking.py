"""When the music steps back: an envelope computed from the voice, which is known in full before anything is mixed.

An envelope of our own instead of a sidechain compressor, because its depth is exact whatever the levels, it looks
ahead, and short pauses between words do not pump.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy import float32
from numpy.typing import NDArray

from services.media.sound import SOUND_RATE_HZ, Sound, rechunked

HOP_S = 0.01
HOP_SAMPLES = int(HOP_S * SOUND_RATE_HZ)
_SPEECH_BELOW_LOUD_DB = 30.0  # softer than the loud tenth of the voice by this much is not speech
_FLOOR_DB = -60.0
_SHORTEST_PAUSE_S = 0.6  # the music does not return in shorter ones
_LEAD_S, _FALL_S = 0.05, 0.2  # fully back this long before speech, after a fall of this length
_HOLD_S, _RISE_S = 0.1, 0.4


def speech_levels_db(blocks: Iterable[Sound]) -> NDArray[float32]:
    """RMS level of mono sound in dBFS, one value a hop."""
    levels = [_levels_db(block) for block in rechunked(blocks, 100 * HOP_SAMPLES)]
    return np.concatenate(levels) if levels else np.empty(0, float32)


def _levels_db(block: Sound) -> NDArray[float32]:
    hops = np.pad(block[0], (0, -block.shape[1] % HOP_SAMPLES)).reshape(-1, HOP_SAMPLES)
    return np.asarray(10 * np.log10(np.mean(np.square(hops), axis=1) + 1e-12), float32)


def has_speech(levels_db: NDArray[float32]) -> NDArray[np.bool_]:
    """Which hops hold speech, or a pause too short to matter."""
    threshold_db = max(_FLOOR_DB, float(np.percentile(levels_db, 90)) - _SPEECH_BELOW_LOUD_DB)
    speech = levels_db > threshold_db
    since, until = _hops_since(speech), _hops_since(speech[::-1])[::-1]
    return (since + until) * HOP_S < _SHORTEST_PAUSE_S


def ducking_db(levels_db: NDArray[float32], depth_db: float) -> NDArray[float32]:
    """Gain of the music in dB, one value a hop: -depth_db under speech, 0 in pauses, straight slopes between."""
    speech = has_speech(levels_db)
    until_s, since_s = HOP_S * _hops_since(speech[::-1])[::-1], HOP_S * _hops_since(speech)
    nearing, leaving = 1 - (until_s - _LEAD_S) / _FALL_S, 1 - (since_s - _HOLD_S) / _RISE_S
    return (-depth_db * np.clip(np.maximum(nearing, leaving), 0, 1)).astype(float32)


def _hops_since(active: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Hops since the last active one, 0 at one, infinite before the first."""
    places = np.arange(len(active), dtype=float)
    return places - np.maximum.accumulate(np.where(active, places, -np.inf))
