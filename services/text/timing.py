"""When each character of a sentence is spoken, from the words that were aligned with the voice."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol, Self

from services.text.tokens import HAN

_HAN_CHARACTER = re.compile(f"[{HAN}]")
_SYLLABLE, _LETTER = 3.0, 1.0
"""How long characters take relative to one another: a Han character or digit is a syllable, as are three letters."""


class SpokenWord(Protocol):
    """A word with its place in the sentence and in the voice, such as a `media_pb2.Word`."""

    @property
    def char_start(self) -> int:
        """Offset of its first character in the sentence."""

    @property
    def char_end(self) -> int:
        """Offset just after its last character."""

    @property
    def start_sample(self) -> int:
        """First sample of the word in the segment's voice."""

    @property
    def end_sample(self) -> int:
        """Sample just after the word."""


@dataclass(frozen=True)
class Word:
    """Characters [char_start, char_end) of a sentence are spoken in samples [start_sample, end_sample) of its voice."""

    char_start: int
    char_end: int
    start_sample: int
    end_sample: int


@dataclass(frozen=True)
class SpokenTimes:
    """Seconds in the sentence's voice at which characters start and end; None for characters that are not spoken."""

    spans: tuple[tuple[float, float] | None, ...]
    duration_s: float

    @classmethod
    def of_words(cls, text: str, words: Sequence[SpokenWord], sample_rate_hz: int, duration_s: float) -> Self:
        """Times of every letter and digit of `text`.

        A word's time is shared out among its characters. Characters outside all words share the time between their
        neighbours, so without any words the text spreads over the whole duration. Times never run backwards.
        """
        weights = [_weight(character) for character in text]
        spans: list[tuple[float, float] | None] = [None] * len(text)
        latest_s = 0.0
        for word in sorted(words, key=lambda word: (word.char_start, word.start_sample)):
            start_s = min(max(word.start_sample / sample_rate_hz, latest_s), duration_s)
            latest_s = min(max(word.end_sample / sample_rate_hz, start_s), duration_s)
            indexes = [i for i in range(max(0, word.char_start), min(word.char_end, len(text))) if spans[i] is None]
            _share_out(spans, weights, indexes, start_s, latest_s)
        for indexes in _runs_without_time(spans, weights):
            before = next((span for span in reversed(spans[: indexes[0]]) if span), (0.0, 0.0))
            after = next((span for span in spans[indexes[-1] + 1 :] if span), (duration_s, duration_s))
            _share_out(spans, weights, indexes, before[1], max(before[1], after[0]))
        return cls(tuple(spans), duration_s)

    def of(self, char_start: int, char_end: int) -> tuple[float, float]:
        """When characters [char_start, char_end) are spoken; the moment before them when none of them is."""
        spoken = [span for span in self.spans[char_start:char_end] if span]
        if spoken:
            return spoken[0][0], spoken[-1][1]
        before = next((span[1] for span in reversed(self.spans[:char_start]) if span), 0.0)
        return before, before

    def pause_before(self, char: int) -> float:
        """Seconds of silence between what is spoken before character `char` and what is spoken from it on."""
        before = next((span for span in reversed(self.spans[:char]) if span), None)
        after = next((span for span in self.spans[char:] if span), None)
        return after[0] - before[1] if before and after else 0.0


def spoken_units(text: str) -> float:
    """How long a text takes to say, relative to others: 3 for a Han character or digit, 1 for any other letter."""
    return sum(map(_weight, text))


def _weight(character: str) -> float:
    if _HAN_CHARACTER.match(character) or character.isdigit():
        return _SYLLABLE
    return _LETTER if unicodedata.category(character)[0] in "LN" else 0.0


def _share_out(
    spans: list[tuple[float, float] | None], weights: list[float], indexes: list[int], start_s: float, end_s: float
) -> None:
    spoken = [index for index in indexes if weights[index]]
    total = sum(weights[index] for index in spoken)
    edges = [start_s + (end_s - start_s) * done / total for done in accumulate(weights[i] for i in spoken)]
    for index, first, last in zip(spoken, [start_s, *edges], edges, strict=False):
        spans[index] = (first, last)


def _runs_without_time(spans: list[tuple[float, float] | None], weights: list[float]) -> list[list[int]]:
    """Runs of spoken characters without a time, each between characters that have one."""
    runs: list[list[int]] = [[]]
    for index, weight in enumerate(weights):
        if spans[index]:
            runs.append([])
        elif weight:
            runs[-1].append(index)
    return [run for run in runs if run]
