"""Cuts what was heard into subtitles of one line, by sentences, clauses and the length of a line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import inf

from uniseg.linebreak import line_break_boundaries

from services.text.line_length import max_units, units_of
from services.text.sentences import sentence_ranges
from services.text.subtitles import Subtitle
from services.text.timing import SpokenTimes, SpokenWord, Word
from services.text.tokens import protected_spans
from services.text.words import says_something

_CLAUSE = re.compile(r"[，,、；;：:—]\s*$")
_LINE, _INSIDE_CLAUSE, _TOO_LONG = 0.3, 0.5, 1000.0
"""Costs of a line, of an end that is no clause's, and of each half-width beyond the limit."""


def cut(
    text: str, words: Sequence[SpokenWord], first_sample: int, end_sample: int, sample_rate_hz: int
) -> list[Subtitle]:
    """Subtitles of a text that is heard in samples [first_sample, end_sample).

    No line is longer than `max_units` unless a single protected token is. Without `words`, whose samples count from
    where those of the text do, characters share the time by their length.
    """
    duration_s = (end_sample - first_sample) / sample_rate_hz
    begin_s = first_sample / sample_rate_hz
    times = SpokenTimes.of_words(text, [_shifted(word, first_sample) for word in words], sample_rate_hz, duration_s)
    ranges = [part for whole in sentence_ranges(text) for part in _lines(text, *whole)]
    return [
        Subtitle(_ms(begin_s + start_s), _ms(begin_s + end_s), text[start:end].strip())
        for start, end in ranges
        for start_s, end_s in [times.of(start, end)]
        if says_something(text[start:end])
    ]


def _shifted(word: SpokenWord, samples: int) -> Word:
    return Word(word.char_start, word.char_end, word.start_sample - samples, word.end_sample - samples)


def _ms(time_s: float) -> int:
    return round(time_s * 1000)


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The lines of a sentence: of all ways to break it the cheapest."""
    sentence = text[start:end]
    edges = [0, *_places(sentence), len(sentence)]
    cost, before = [0.0] + [inf] * (len(edges) - 1), [0] * len(edges)
    for last in range(1, len(edges)):
        for first in reversed(range(last)):
            too_long, line_cost = _cost(sentence, edges[first], edges[last])
            if cost[first] + line_cost < cost[last]:
                cost[last], before[last] = cost[first] + line_cost, first
            if too_long:
                break  # a longer one costs more still
    ends = [len(edges) - 1]
    while ends[-1]:
        ends.append(before[ends[-1]])
    yield from ((start + edges[first], start + edges[last]) for first, last in pairwise(reversed(ends)))


def _cost(sentence: str, start: int, end: int) -> tuple[bool, float]:
    """Whether a line is too long, and its cost: it had better be full, end with its clause, and say something."""
    line, limit = sentence[start:end], max_units(sentence)
    units = units_of(line.strip())
    if units > limit:
        return True, _TOO_LONG * (units - limit)
    silent = 0.0 if says_something(line) else _TOO_LONG
    inside = end < len(sentence) and not _CLAUSE.search(line)
    return False, silent + _LINE + (1 - units / limit) ** 2 + (_INSIDE_CLAUSE if inside else 0.0)


def _places(sentence: str) -> list[int]:
    """Where a line may break: where UAX #14 allows it, outside protected tokens."""
    inside = {place for start, end in protected_spans(sentence) for place in range(start + 1, end)}
    return [place for place in line_break_boundaries(sentence) if 0 < place < len(sentence) and place not in inside]
