"""Where the words of a text are: from times of tokens, where they are likely, else between likely neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy import bool_, float64, int64
from numpy.typing import NDArray

from services.asr.whisper.model import TokenTimes
from services.text.words import Span, is_ideograph

_LETTERS_AN_IDEOGRAPH, _LETTERS_A_DIGIT = 3, 4  # about 0.2 s, 0.25 s, and 0.07 s for a letter


@dataclass
class Placement:
    """Words sound at samples [starts, ends), never before the previous word, with `probabilities`; all (words,)."""

    starts: NDArray[float64]
    ends: NDArray[float64]
    probabilities: NDArray[float64]

    @staticmethod
    def unknown(count: int, at: float) -> Placement:
        """Words known only to come after sample `at`."""
        return Placement(np.full(count, at), np.full(count, at), np.zeros(count))

    def __len__(self) -> int:
        return len(self.starts)

    def first(self, count: int, shift: float = 0.0) -> Placement:
        """The first words, `shift` samples later."""
        return Placement(self.starts[:count] + shift, self.ends[:count] + shift, self.probabilities[:count])


def joined(parts: Sequence[Placement]) -> Placement:
    """Placements of words that follow each other."""
    return Placement(
        np.concatenate([part.starts for part in parts]),
        np.concatenate([part.ends for part in parts]),
        np.concatenate([part.probabilities for part in parts]),
    )


def placed(words: Sequence[Span], times: TokenTimes) -> Placement:
    """Places words by the tokens that spell them; a token of several words is divided by characters."""
    found = [_placed(word, times) for word in words]
    starts, ends, probabilities = np.array(found, float64).reshape(-1, 3).T
    starts = np.maximum.accumulate(starts)
    return Placement(starts, np.maximum.accumulate(np.maximum(starts, ends)), probabilities)


def _placed(word: Span, times: TokenTimes) -> tuple[float, float, float]:
    mine = (times.char_starts < word.end) & (times.char_ends > word.start)
    first, ends = times.char_starts[mine], times.char_ends[mine]
    length = (times.ends - times.starts)[mine] / (ends - first)
    start = times.starts[mine] + length * (np.maximum(first, word.start) - first)
    end = times.starts[mine] + length * (np.minimum(ends, word.end) - first)
    return float(start.min()), float(end.max()), float(times.probabilities[mine].mean())


def weights(text: str, words: Sequence[Span]) -> NDArray[float64]:
    """How long words take to say, relative to each other."""
    return np.array([sum(map(_weight, text[word.start : word.end])) for word in words], float64)


def _weight(char: str) -> int:
    if is_ideograph(char):
        return _LETTERS_AN_IDEOGRAPH
    return _LETTERS_A_DIGIT if char.isnumeric() else 1


def spread(found: Placement, weight: NDArray[float64], unsure: NDArray[bool_], end: float) -> Placement:
    """Words that are `unsure` share the time between their neighbours by weight; 0 and `end` bound the first and last.

    The probabilities stay, so that the caller can tell.
    """
    starts, ends = found.starts.copy(), found.ends.copy()
    edges = np.flatnonzero(np.diff(np.concatenate([[False], unsure, [False]])))
    for first, behind in edges.reshape(-1, 2):
        left = ends[first - 1] if first else 0.0
        right = starts[behind] if behind < len(starts) else end
        share = np.concatenate([[0.0], weight[first:behind].cumsum() / weight[first:behind].sum()])
        bounds = left + max(right - left, 0.0) * share
        starts[first:behind], ends[first:behind] = bounds[:-1], bounds[1:]
    return Placement(starts, ends, found.probabilities)


def whole_samples(starts: NDArray[float64], ends: NDArray[float64], total: int, least: int) -> list[tuple[int, int]]:
    """Bounds as integers, each word at least `least` long, in order, without overlap, within [0, total)."""
    count = len(starts)
    room = np.arange(count) * least
    begin: NDArray[int64] = np.maximum.accumulate(np.rint(np.maximum(starts, 0)).astype(int64) - room) + room
    begin = np.minimum(begin, total - count * least + room)
    following = np.append(begin[1:], total)
    finish = np.clip(np.rint(ends).astype(int64), begin + least, following)
    return list(zip(begin.tolist(), finish.tolist(), strict=True))
