"""How much of a voice lies in none of the words that were heard in it: what a listener left out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy import bool_, int16
from numpy.typing import NDArray

_STEP_S = 0.01
_LEAST_S = 0.4  # of sound between two words: less is how words begin and end
_LOUDEST = 95.0  # percentile of the levels of all steps
_QUIET_DB = 30.0  # under the loudest: a pause
_SILENT_DB = 10.0  # over one step of 16 bits


def unheard_share(pcm: NDArray[int16], words: Sequence[tuple[int, int]], sample_rate_hz: int) -> float:
    """Share of the sound of `pcm` (samples,) that lies between `words`, which are (start, end) in samples and in order.

    Whisper writes once what is said twice, and leaves out what it does not understand: the sound of it remains. 0 for
    silence.
    """
    step = round(_STEP_S * sample_rate_hz)
    sounding = _sounding(pcm, step)
    edges = [0, *(edge // step for word in words for edge in word), len(sounding)]
    between = [int(sounding[end:start].sum()) for end, start in zip(edges[::2], edges[1::2], strict=True)]
    return sum(steps for steps in between if steps * _STEP_S >= _LEAST_S) / max(1, int(sounding.sum()))


def _sounding(pcm: NDArray[int16], step: int) -> NDArray[bool_]:
    """Whether there is a voice, for each whole step."""
    steps = pcm[: len(pcm) - len(pcm) % step].astype(np.float64).reshape(-1, step)
    if not len(steps):
        return np.zeros(0, bool)
    levels_db = 10 * np.log10(np.square(steps).mean(axis=1) + 1)
    return np.asarray(levels_db > max(_SILENT_DB, np.percentile(levels_db, _LOUDEST) - _QUIET_DB))
