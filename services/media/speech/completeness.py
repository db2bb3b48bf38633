"""Whether a voice is whole and was heard whole: sound without words, and sound that stops at once."""

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


def ends_in_sound(pcm: NDArray[int16], sample_rate_hz: int) -> bool:
    """Whether `pcm` (samples,) stops in the middle of a sound, before the zeros at its end: speech fades, cuts do not.

    The last 10 ms of Kokoro's takes are 63 dB under the loudest or more, those of cut ones mostly 27 dB or less.
    """
    step = round(_STEP_S * sample_rate_hz)
    own = np.trim_zeros(pcm, "b")
    return bool(_sounding(own[len(own) % step :], step)[-1:].any())


def _sounding(pcm: NDArray[int16], step: int) -> NDArray[bool_]:
    """Whether there is a voice, for each whole step."""
    steps = pcm[: len(pcm) - len(pcm) % step].astype(np.float64).reshape(-1, step)
    if not len(steps):
        return np.zeros(0, bool)
    levels_db = 10 * np.log10(np.square(steps).mean(axis=1) + 1)
    return np.asarray(levels_db > max(_SILENT_DB, np.percentile(levels_db, _LOUDEST) - _QUIET_DB))
