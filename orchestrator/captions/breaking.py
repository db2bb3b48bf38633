"""Breaks a sentence into lines and groups lines into cues: finds the best of all ways by dynamic programming."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import inf

from orchestrator.captions.layout import CaptionLayout
from orchestrator.captions.opportunities import break_costs
from services.text.line_length import max_units, units_of
from services.text.timing import SpokenTimes

LONG_PAUSE_S = 0.2
SILENCE_S = 0.8
"""A pause that viewers wait through: a cue ends there."""
MIN_CUE_S, LONG_CUE_S, MAX_CUE_S = 0.8, 5.0, 7.0

_TARGET_SHARE = 0.75
_LINE = 0.3
_SECOND_LINE, _SAME_CUE = 1.0, 0.4
_AT_PAUSE, _AT_SILENCE = -0.8, -4.0
_TOO_SHORT, _LONG, _TOO_LONG = 4.0, 0.5, 10.0
_LONELY, _SHORT_TAIL, _SILENT = 30.0, 1.5, 30.0
_TOO_WIDE = 1000.0
_UNHURRIED_S = 0.3
_KERNING_RESERVE = 0.995
"""Widths are sums over pieces; kerning between the pieces of a line could add as much as this."""


@dataclass(frozen=True)
class Line:
    """Characters [char_start, char_end) of a sentence on one line; `joined`: in the same cue as the line before."""

    char_start: int
    char_end: int
    joined: bool


@dataclass(frozen=True)
class _Piece:
    """Text between two neighbouring break opportunities, with its widths in the middle and at the end of a line."""

    start: int
    end: int
    width: float
    end_width: float
    units: int
    end_units: int
    letters: int
    start_s: float
    end_s: float
    break_cost: float


def break_lines(text: str, layout: CaptionLayout, times: SpokenTimes) -> list[Line]:
    """Lines of a sentence in order; joined together they are all of `text`.

    A line keeps to the width and the half-widths of `layout` unless a single protected token is longer.
    """
    pieces = _pieces(text, layout, times)
    width_limit = layout.line_width_px * _KERNING_RESERVE
    return _Search(pieces, width_limit, max_units(text), layout.max_lines > 1).lines()


def break_title(text: str, layout: CaptionLayout) -> tuple[str, ...]:
    """Lines of a title as shown: of even length, broken where captions would be; line breaks in `text` stay."""
    lines = []
    for paragraph in filter(str.strip, text.splitlines()):
        times = SpokenTimes.of_words(paragraph, (), 1, _UNHURRIED_S * len(paragraph))
        search = _Search(_pieces(paragraph, layout, times), layout.line_width_px, max_units(text), two_lines=False)
        lines += [layout.shown(paragraph[line.char_start : line.char_end]) for line in search.lines()]
    return tuple(lines)


def _pieces(text: str, layout: CaptionLayout, times: SpokenTimes) -> list[_Piece]:
    costs = break_costs(text)
    edges = [0, *sorted(costs), len(text)]
    pieces = []
    for start, end in pairwise(edges):
        piece = text[start:end]
        shown = layout.shown(piece)
        first_s, last_s = times.of(start, end)
        pieces.append(
            _Piece(
                start=start,
                end=end,
                width=layout.width_px(piece) + layout.spacing_px,
                end_width=layout.width_px(shown),
                units=units_of(piece),
                end_units=units_of(shown),
                letters=sum(unicodedata.category(character)[0] in "LN" for character in piece),
                start_s=first_s,
                end_s=last_s,
                break_cost=costs.get(end, 0.0) + _pause_cost(times.pause_before(end)),
            )
        )
    return pieces


def _pause_cost(pause_s: float) -> float:
    if pause_s >= SILENCE_S:
        return _AT_SILENCE
    return _AT_PAUSE if pause_s >= LONG_PAUSE_S else 0.0


class _Search:
    """Finds the cheapest layout. A state is (pieces laid out, whether the cue is still open for a second line)."""

    def __init__(self, pieces: list[_Piece], width_limit: float, unit_limit: int, two_lines: bool) -> None:
        self._pieces, self._two_lines = pieces, two_lines
        self._width_limit, self._unit_limit = width_limit, unit_limit
        self._width_before = [0.0, *accumulate(piece.width for piece in pieces)]
        self._units_before = [0, *accumulate(piece.units for piece in pieces)]
        self._letters_before = [0, *accumulate(piece.letters for piece in pieces)]

    def lines(self) -> list[Line]:
        """The lines of the cheapest layout."""
        count = len(self._pieces)
        cost = {(0, False): 0.0}
        came_from: dict[tuple[int, bool], tuple[int, bool]] = {}
        for first in range(count):
            for end, line_cost in self._lines_from(first):
                for opened in (False, True):
                    if (first, opened) not in cost:
                        continue
                    for open_after, step in self._steps(first, end, opened):
                        total = cost[first, opened] + line_cost + step
                        if total < cost.get((end, open_after), inf):
                            cost[end, open_after] = total
                            came_from[end, open_after] = (first, opened)
        return self._walk_back(came_from, (count, False))

    def _walk_back(self, came_from: dict[tuple[int, bool], tuple[int, bool]], state: tuple[int, bool]) -> list[Line]:
        lines = []
        while state[0]:
            before = came_from[state]
            lines.append(Line(self._pieces[before[0]].start, self._pieces[state[0] - 1].end, joined=before[1]))
            state = before
        return lines[::-1]

    def _steps(self, first: int, end: int, opened: bool) -> list[tuple[bool, float]]:
        """What may follow the line: (whether the cue stays open, cost)."""
        break_cost = self._pieces[end - 1].break_cost if end < len(self._pieces) else 0.0
        if opened:
            return [(False, break_cost)]
        alone = (False, break_cost + self._duration_cost(first, end))
        if not self._two_lines or end == len(self._pieces):
            return [alone]
        return [alone, (True, _SECOND_LINE + (break_cost if break_cost > 0 else _SAME_CUE * break_cost))]

    def _lines_from(self, first: int) -> list[tuple[int, float]]:
        """Ends and costs of the lines that can start with piece `first`."""
        lines = []
        for end in range(first + 1, len(self._pieces) + 1):
            last = self._pieces[end - 1]
            width = self._width_before[end - 1] - self._width_before[first] + last.end_width
            units = self._units_before[end - 1] - self._units_before[first] + last.end_units
            too_wide = width > self._width_limit or units > self._unit_limit
            if too_wide and end > first + 1:
                break
            lines.append((end, self._line_cost(first, end, width) + (_TOO_WIDE if too_wide else 0.0)))
        return lines

    def _line_cost(self, first: int, end: int, width: float) -> float:
        target = _TARGET_SHARE * self._width_limit
        letters = self._letters_before[end] - self._letters_before[first]
        cost = _LINE + (width / target - 1) ** 2
        if letters == 0:
            return cost + _SILENT
        if letters == 1 and end - first < len(self._pieces):
            return cost + _LONELY
        return cost + (_SHORT_TAIL if letters == 2 and end == len(self._pieces) and first else 0.0)

    def _duration_cost(self, first: int, end: int) -> float:
        shown_until = self._pieces[end].start_s if end < len(self._pieces) else self._pieces[end - 1].end_s
        duration = shown_until - self._pieces[first].start_s
        if duration < MIN_CUE_S:
            return _TOO_SHORT * (1 - duration / MIN_CUE_S)
        return _LONG * max(0.0, duration - LONG_CUE_S) + (_TOO_LONG if duration > MAX_CUE_S else 0.0)
