"""A text of any length in speech of any length, window by window, as Whisper hears 30 s at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy import float32, float64
from numpy.typing import NDArray

from services.asr.whisper.model import MOST_TOKENS, Hearing
from services.asr.whisper.placement import Placement, joined, placed, weights
from services.asr.whisper.utterances import LONGEST_S, SAMPLE_RATE_HZ, Utterance
from services.text.words import Span

_WINDOW = int(LONGEST_S * SAMPLE_RATE_HZ)
_SHORTEST = SAMPLE_RATE_HZ // 10  # less tells nothing
_MOST_MARKS = 16  # non-word characters after a word; hundreds of emoji would fill Whisper's memory
_KEPT = 2 / 3
"""Share of a window, if another follows; later words suffer from guessing how many of them the window holds."""


def find_words(
    text: str,
    words: Sequence[Span],
    language: str,
    speech: NDArray[float32],
    hearing: Hearing,
    advance: Callable[[], None],
) -> Placement:
    """Where the words are in `speech` (float32 at SAMPLE_RATE_HZ); `advance` is called after every window.

    A window is given the words that it should hold at the pace of the rest. Its first two thirds are kept, and the
    next one begins where the last kept word ends.
    """
    weight = weights(text, words)
    parts: list[Placement] = []
    first, begin = 0, 0
    while first < len(words):
        window = _window(first, begin, text, words, weight, len(speech), language, hearing)
        if window.samples < _SHORTEST:
            parts.append(Placement.unknown(len(words) - first, begin))
            break
        found = _found(window, text, words, language, speech[begin : begin + window.samples], hearing)
        keep = len(found) if window.end == len(words) else _kept(found, window.samples)
        parts.append(found.first(keep, begin))
        begin = min(int(parts[-1].ends[-1]), len(speech))
        first += keep
        advance()
    return joined(parts)


@dataclass(frozen=True)
class _Window:
    """Words [first, end) are looked for in `samples` samples."""

    first: int
    end: int
    samples: int


def _window(
    first: int,
    begin: int,
    text: str,
    words: Sequence[Span],
    weight: NDArray[float64],
    total: int,
    language: str,
    hearing: Hearing,
) -> _Window:
    left = total - begin
    samples = min(left, _WINDOW)
    shares = weight[first:].cumsum() / weight[first:].sum()
    count = max(1, int(np.searchsorted(shares, samples / max(left, 1), side="right")))
    while count > 1 and hearing.token_count(_slice(text, words, first, first + count), language) > MOST_TOKENS:
        count = count * 3 // 4
    if first + count < len(words):
        samples = min(samples, max(_SHORTEST, int(left * shares[count - 1])))
    return _Window(first, first + count, min(samples, left))


def _found(
    window: _Window,
    text: str,
    words: Sequence[Span],
    language: str,
    samples: NDArray[float32],
    hearing: Hearing,
) -> Placement:
    offset = words[window.first].start
    mine = [Span(word.start - offset, word.end - offset) for word in words[window.first : window.end]]
    said = _slice(text, words, window.first, window.end)
    if hearing.token_count(said, language) > MOST_TOKENS:  # one word, longer than Whisper can read
        return Placement(np.zeros(1), np.full(1, len(samples), float64), np.zeros(1))
    return placed(mine, hearing.token_times(said, language, hearing.encode(samples)))


def _slice(text: str, words: Sequence[Span], first: int, end: int) -> str:
    """The words with the punctuation between and after them, which marks pauses. A row of marks is cut short."""
    limit = words[end].start if end < len(words) else len(text)
    return text[words[first].start : min(limit, words[end - 1].end + _MOST_MARKS)].rstrip()


def _kept(found: Placement, samples: int) -> int:
    return max(1, int(np.searchsorted(found.ends, samples * _KEPT, side="right")))


class SpeechClock:
    """Times in speech without its pauses, and times in the audio that it was cut from."""

    def __init__(self, stretches: Sequence[Utterance]) -> None:
        self.speech = np.concatenate([stretch.samples for stretch in stretches])
        lengths = [len(stretch.samples) for stretch in stretches]
        self._begins = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(float64)
        self._shifts = np.array([stretch.start for stretch in stretches], float64) - self._begins

    def begins(self, samples: NDArray[float64]) -> NDArray[float64]:
        """Samples of the audio at which words begin: after a pause, not before it."""
        return samples + self._shifts[np.searchsorted(self._begins, samples, side="right") - 1]

    def ends(self, samples: NDArray[float64]) -> NDArray[float64]:
        """Samples of the audio at which words end: before a pause, not after it."""
        return samples + self._shifts[np.maximum(np.searchsorted(self._begins, samples, side="left") - 1, 0)]
