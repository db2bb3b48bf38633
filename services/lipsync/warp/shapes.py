"""From voice to mouth: what the lips do in each film frame, heard by a small network.

The network hears 200 ms before a film frame and the 80 ms after it, and answers every 10 ms; a frame shows the mean of
what happens in it, but lips that close in it however shortly are closed. Nothing is kept but what the network hears,
so the result does not depend on how the audio comes in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain, repeat

import numpy as np
from numpy import float32, int16
from numpy.typing import NDArray

from services.lipsync.warp.shape import MouthShape
from services.lipsync.warp.shape_model import AFTER, BEFORE, shape_model
from services.lipsync.warp.spectra import STEPS, silence, spectra

_CLOSING, _CLOSED = 0.3, 0.75  # what the network says of lips that begin to close, and of closed ones
_RESTING = 0.08  # openness and width that are none: the network is never quite sure
_ROUNDING = 1.2  # lips are rounder than it says, in o, u, w of voices it learned from by 28 %; more rounds a and i too


def mouth_shapes(audio: Iterable[NDArray[int16]], sample_rate_hz: int) -> Iterator[MouthShape]:
    """One shape a film frame, the last frame padded with silence; looks ahead two frames.

    `audio`: int16 mono chunks of any length. Raises ValueError when a frame is not a whole number of samples.
    """
    model = shape_model()
    before, after = BEFORE // STEPS, AFTER // STEPS
    heard = deque([silence()] * before, before + 1 + after)
    for frame in chain(spectra(audio, sample_rate_hz), repeat(silence(), after)):
        heard.append(frame)
        if len(heard) == heard.maxlen:
            yield _shape(model.shapes(np.concatenate(heard)))


def _shape(steps: NDArray[float32]) -> MouthShape:
    """The shape of a film frame from those of its steps (STEPS, 3)."""
    openness, width, _ = (float(value) for value in steps.mean(axis=0))
    closure = float(np.clip((steps[:, 2].max() - _CLOSING) / (_CLOSED - _CLOSING), 0, 1))
    return MouthShape(_beyond_rest(openness) * (1 - closure), _rounded(_beyond_rest(width)), closure)


def _beyond_rest(value: float) -> float:
    return float(np.copysign(max(0.0, abs(value) - _RESTING) / (1 - _RESTING), value))


def _rounded(width: float) -> float:
    return max(-1.0, _ROUNDING * width) if width < 0 else width
