"""Smoothing that neither trembles nor lags: the one-euro filter, run forwards and backwards over what was recorded.

Casiez, Roussel and Vogel, "1 € Filter" (CHI 2012): the faster something moves, the less it is smoothed. The second run
takes back the delay of the first.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy import bool_, float64
from numpy.typing import NDArray

_LEAST_CUTOFF_HZ = 1.2  # of what stands still
_CUTOFF_HZ_A_SPEED = 60.0  # for each face's size a second
_SPEED_CUTOFF_HZ = 2.0


def smoothed(values: NDArray[float64], size: float, rate_hz: float) -> NDArray[float64]:
    """`values` (frames, ...), one movement without gaps; `size` of the face in the same unit."""
    rows = values.reshape(len(values), -1) / size
    there = _one_euro(rows, rate_hz)
    return np.asarray(_one_euro(there[::-1], rate_hz)[::-1] * size).reshape(values.shape)


def runs(present: NDArray[bool_]) -> Iterator[slice]:
    """Stretches of frames without a gap, of at least one frame."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], present, [False]))))
    yield from (slice(int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True))


def _one_euro(rows: NDArray[float64], rate_hz: float) -> NDArray[float64]:
    smooth = np.empty_like(rows)
    now, speed = rows[0], np.zeros_like(rows[0])
    for place, row in enumerate(rows):
        speed = speed + _share(_SPEED_CUTOFF_HZ, rate_hz) * ((row - now) * rate_hz - speed)
        cutoff_hz = _LEAST_CUTOFF_HZ + _CUTOFF_HZ_A_SPEED * np.abs(speed)
        now = now + _share(cutoff_hz, rate_hz) * (row - now)
        smooth[place] = now
    return smooth


def _share(cutoff_hz: NDArray[float64] | float, rate_hz: float) -> NDArray[float64]:
    """Share of a new value that a low-pass of the first order takes over."""
    return np.asarray(1 / (1 + rate_hz / (2 * np.pi * np.asarray(cutoff_hz))))
