"""A pronunciation dictionary: how words are said, wherever they stand in a script."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from services.base.errors import InvalidInputError
from services.text.notation.readings import reading_of
from services.text.pronunciation import Pronunciation, ReadingKind
from services.text.tokens import EAST_ASIAN

MOST_ENTRIES = 1_000

_LETTER = rf"[^\W_{EAST_ASIAN}]"
"""Of words that end with their letters; those of Chinese and Japanese stand without spaces."""


@dataclass(frozen=True)
class Dictionary:
    """Readings by word: a word with a capital letter only as it is written, any other in capitals too."""

    readings: dict[str, tuple[ReadingKind, str]]

    @classmethod
    def of(cls, entries: Sequence[str], field: str) -> Self:
        """Reads entries such as "重庆=chóng qìng", "Kubernetes=/ˌkuːbərˈnɛtiːz/" and "SQL=sequel".

        Raises InvalidInputError for `field`, naming the entry: BAD_ENTRY, BAD_WORD, BAD_READING, TOO_MANY_ENTRIES.
        """
        if len(entries) > MOST_ENTRIES:
            problem = f"{len(entries):,} readings are given, the limit is {MOST_ENTRIES:,}."
            raise InvalidInputError(problem, "Leave those out that are not needed.", field, "TOO_MANY_ENTRIES")
        readings: dict[str, tuple[ReadingKind, str]] = {}
        for number, entry in enumerate(entries, 1):
            word, reading = _entry(entry, number, field)
            if readings.setdefault(word, reading) != reading:
                problem = f"Entry {number}, {entry!r}, gives {word!r} a second reading."
                raise InvalidInputError(problem, "Leave one of them out.", field, "BAD_ENTRY")
        return cls(readings)

    def pronunciations(self, text: str, told: Sequence[Pronunciation] = ()) -> tuple[Pronunciation, ...]:
        """Those `told`, and those of all further words of a text that are listed, in order.

        Of several that begin at one place the longest counts.
        """
        if not self.readings:
            return tuple(told)
        return tuple(sorted([*told, *self._found(text, told)], key=lambda each: each.char_start))

    def _found(self, text: str, told: Sequence[Pronunciation]) -> Iterator[Pronunciation]:
        taken = {place for each in told for place in range(each.char_start, each.char_end)}
        for match in self._words.finditer(text):
            if taken.isdisjoint(range(*match.span())):
                yield Pronunciation(*match.span(), *self._reading(match[0]))

    def _reading(self, written: str) -> tuple[ReadingKind, str]:
        return self.readings.get(written) or self.readings[written.lower()]

    @cached_property
    def _words(self) -> re.Pattern[str]:
        longest_first = sorted(self.readings, key=lambda word: (-len(word), word == word.lower()))
        return re.compile("|".join(map(_pattern, longest_first)))


NO_READINGS = Dictionary({})


def entries_of(text: str) -> list[str]:
    """Entries of a file: one a line, without empty lines and those that begin with "#"."""
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _entry(entry: str, number: int, field: str) -> tuple[str, tuple[ReadingKind, str]]:
    word, sign, reading = entry.partition("=")
    if not sign or not word.strip() or not reading.strip():
        problem = f"Entry {number}, {entry!r}, has no word before and no reading after an equals sign."
        raise InvalidInputError(problem, "Write WORD=READING, such as 重庆=chóng qìng.", field, "BAD_ENTRY")
    try:
        return word.strip(), reading_of(word, reading, field)
    except InvalidInputError as error:
        raise InvalidInputError(f"Entry {number}: {error.problem}", error.remedy, field, error.reason) from None


def _pattern(word: str) -> str:
    """Words of letters stand alone: "AI" is not in "AIR", but it is in "AI时代"."""
    before = f"(?<!{_LETTER})" if re.match(_LETTER, word[0]) else ""
    after = f"(?!{_LETTER})" if re.match(_LETTER, word[-1]) else ""
    spelled = re.escape(word)
    return before + (f"(?i:{spelled})" if word == word.lower() else spelled) + after
