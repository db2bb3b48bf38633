"""What the lips do in each sound of speech: openness, width and closure every 10 ms of phones with known times.

Openness follows the height of vowels, width their rounding, as phonetics describes them (Ladefoged and Maddieson, The
Sounds of the World's Languages, 1996); the figures are our own, set by eye.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy import bool_, float32, float64
from numpy.typing import NDArray

STEP_S = 0.01
PAUSE = "_"


@dataclass(frozen=True)
class Lips:
    """Aim of a phone. None: whatever the vowel beside it wants."""

    openness: float | None
    width: float | None = None
    closure: float = 0.0


LIPS = {
    PAUSE: Lips(0.0, 0.0),
    "a": Lips(1.0, 0.05),
    "æ": Lips(0.9, 0.3),
    "ʌ": Lips(0.7, 0.0),
    "ɔ": Lips(0.7, -0.5),
    "ɛ": Lips(0.6, 0.35),
    "e": Lips(0.45, 0.6),
    "ə": Lips(0.4, 0.0),
    "ɤ": Lips(0.4, 0.1),
    "ɝ": Lips(0.4, -0.3),
    "o": Lips(0.45, -0.8),
    "ʊ": Lips(0.3, -0.6),
    "u": Lips(0.2, -1.0),
    "y": Lips(0.2, -0.9),
    "ɪ": Lips(0.35, 0.5),
    "i": Lips(0.25, 0.9),
    "ɿ": Lips(0.2, 0.4),
    "ʅ": Lips(0.2, -0.1),
    "w": Lips(0.12, -1.0),
    "ɥ": Lips(0.12, -0.9),
    "j": Lips(0.25, 0.7),
    "m": Lips(0.0, None, 1.0),
    "b": Lips(0.0, None, 1.0),
    "p": Lips(0.0, None, 1.0),
    "f": Lips(0.06, None, 0.4),
    "t": Lips(0.18),
    "n": Lips(0.2),
    "l": Lips(0.3),
    "θ": Lips(0.2),
    "s": Lips(0.15, 0.2),
    "ʃ": Lips(0.2, -0.5),
    "ʂ": Lips(0.2, -0.3),
    "ɕ": Lips(0.18, 0.5),
    "ɹ": Lips(0.25, -0.5),
    "k": Lips(0.35),
    "h": Lips(None),
}
VOWELS = frozenset("aæʌɔɛeəɤɝoʊuyɪiɿʅ")
GLIDES = frozenset("wɥj")
LABIALS = frozenset("mbp")
STOPS = frozenset("bptk")
"""Sounds whose closure is silent."""

_ASPIRATED = "h"
_SMOOTH_STEPS = 7  # lips take about 70 ms from one aim to the next
_QUIET_DB = 26.0  # under the loudest vowels: the closure of a stop
_SILENT_DB = 35.0  # a pause
_SHORTEST_CLOSURE, _LONGEST_CLOSURE = 4, 10  # steps
_RELEASED = 0.75  # share of a voiced closure after which the lips part
_RANGE_DB = 24.0
_LEAST = 0.5  # share of its openness that the quietest vowel keeps


class Phone(NamedTuple):
    """A sound from `start_s`, a key of LIPS; it lasts until the next one starts."""

    name: str
    start_s: float


class Sound(NamedTuple):
    """A phone in steps [start, end)."""

    name: str
    start: int
    end: int


def trajectory(phones: Sequence[Phone], levels_db: NDArray[float64]) -> NDArray[float32]:
    """Openness, width, closure at every step, shape (steps, 3). `levels_db`: level of each step of the clean sound."""
    sounds = heard_sounds(phones, levels_db)
    lips = np.array([_aim(sounds, number) for number, sound in enumerate(sounds) for _ in range(*sound[1:])])
    smooth = np.hanning(_SMOOTH_STEPS + 2)[1:-1]
    loud = np.clip((levels_db - _loudest(levels_db)) / _RANGE_DB + 1, 0, 1)
    openness = _smoothed(lips[:, 0] * (_LEAST + (1 - _LEAST) * loud), smooth)
    closure = _smoothed(lips[:, 2], np.array([0.25, 0.5, 0.25]))
    return np.stack([openness * (1 - closure), _smoothed(lips[:, 1], smooth), closure], axis=1).astype(float32)


def heard_sounds(phones: Sequence[Phone], levels_db: NDArray[float64]) -> list[Sound]:
    """Phones in steps, mended by what is heard: stops are closed while they are silent, long silences are pauses."""
    steps = len(levels_db)
    under_db = _loudest(levels_db) - levels_db
    names = np.full(steps, PAUSE, object)
    said = _in_steps(phones, steps)
    for name, start, end in said:
        names[start:end] = name
    for start, end in _runs(under_db > _SILENT_DB):
        if end - start > _LONGEST_CLOSURE:
            names[start:end] = PAUSE
    for name, start, end in said:
        if name in STOPS | LABIALS:
            first, last = _closure(name, start, end, under_db > _QUIET_DB)
            names[start:end] = _ASPIRATED
            names[first:last] = name
    edges = np.flatnonzero(names[1:] != names[:-1]) + 1
    return [Sound(names[start], int(start), int(end)) for start, end in pairwise([0, *edges, steps])]


def _in_steps(phones: Sequence[Phone], steps: int) -> list[Sound]:
    starts = [min(max(round(phone.start_s / STEP_S), 0), steps) for phone in phones]
    return [Sound(phone.name, *edges) for phone, edges in zip(phones, pairwise([*starts, steps]), strict=True)]


def _closure(name: str, start: int, end: int, quiet: NDArray[bool_]) -> tuple[int, int]:
    """Where lips or tongue close for a stop: its longest silence, or until just before a voiced one ends."""
    begin = max(0, start - _LONGEST_CLOSURE)
    silences = _runs(quiet[begin:end]) if name in STOPS else []
    if not silences:
        last = start + max(1, round(_RELEASED * (end - start)))
        return max(0, min(start, last - _SHORTEST_CLOSURE)), last
    first, last = max(silences, key=lambda silence: silence[1] - silence[0])
    first = min(max(first, last - _LONGEST_CLOSURE), max(0, last - _SHORTEST_CLOSURE))
    return begin + first, begin + last


def _runs(true: NDArray[bool_]) -> list[tuple[int, int]]:
    """First step, and the one after the last, of each stretch of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], true, [False]]).astype(int)))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


def _aim(sounds: Sequence[Sound], number: int) -> tuple[float, float, float]:
    lips, beside = LIPS[sounds[number].name], LIPS[_vowel_beside(sounds, number)]
    openness = lips.openness if lips.openness is not None else 0.8 * (beside.openness or 0)
    return openness, lips.width if lips.width is not None else (beside.width or 0), lips.closure


def _vowel_beside(sounds: Sequence[Sound], number: int) -> str:
    """The next vowel, or the last one where a pause comes first."""
    for name, *_ in sounds[number + 1 : number + 4]:
        if name in VOWELS | GLIDES:
            return name
        if name == PAUSE:
            break
    return next((name for name, *_ in reversed(sounds[max(0, number - 3) : number]) if name in VOWELS), PAUSE)


def _loudest(levels_db: NDArray[float64]) -> float:
    return float(np.percentile(levels_db, 95))


def _smoothed(values: NDArray[float64], kernel: NDArray[float64]) -> NDArray[float64]:
    padded = np.pad(values, len(kernel) // 2, mode="edge")
    return np.convolve(padded, kernel / kernel.sum(), "valid")
