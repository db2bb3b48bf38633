"""Numbers and signs written out in words, before a voice reads them wrongly or in the wrong language.

A number is read in the language of its clause: Chinese or English; texts in other languages pass unchanged. Digits in
names (Qwen3, H200, GPT-4, B2B) stay. What is written keeps its place: captions show the script, not its reading.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from services.text.languages import language_by_script, primary_subtag
from services.text.numbers.rules import CHINESE, ENGLISH, RULES
from services.text.pronunciation import Pronunciation, ReadingKind

_SPEECHES = {"zh": CHINESE, "yue": CHINESE, "en": ENGLISH}
_PLAIN = str.maketrans(
    {chr(code): chr(code - 0xFEE0) for code in range(0xFF10, 0xFF5B) if chr(code).isalnum()}
    | dict(zip("％＄￥．／～－﹣＋＃：∶⁄＜＞＝＊＾￡㎡", "%$¥./~--+#::/<>=*^£㎡", strict=True))
)
_INTERESTING = re.compile(r"[A-Za-z0-9+\-−–—~¥$€£№#±≥≤≈<>×✕÷=/*½⅓⅔¼¾⅛⅜⅝⅞①-⑳(.]")
_LETTERS = re.compile(r"[A-Za-z]+")
_CLAUSE = re.compile(r"(?:[^，。！？；,.!?;:：\n（）()“”\"「」]|[.,:：](?=\d))+")
_HAN = re.compile(r"[\u3400-\u9fff]")
_FOREIGN_RUN = re.compile(r"[^\u3400-\u9fff]+")
_COMMON_WORD = re.compile(r"(?<![A-Za-z])[a-z]+(?![A-Za-z])")
_RUN_WORDS = {"en": 2, "zh": 3}
"""A stretch without hanzi and with this many English words is read in English; in Chinese, names do not count."""
_CONTEXT_CHARACTERS = 40
"""How far back a rule looks; keeps the work linear in the text."""
_CLAUSE_WORDS = 3
"""A clause with this many English words and no hanzi is read in English in any text; fewer are names."""


@dataclass(frozen=True)
class Reading:
    """What is said for a text; character i of `said` stands for the text's `origins[i]`, and origins never decrease.

    `pronunciations` are those that are told by sound, PINYIN and IPA, with their places in `said`, where these words
    stand as they are written; those in WORDS are part of `said`.
    """

    said: str
    origins: tuple[int, ...]
    pronunciations: tuple[Pronunciation, ...] = ()


def normalise(text: str, language: str) -> str:
    """`text` with its numbers in words; `language` is BCP 47 or "" = from the text."""
    return read_aloud(text, language).said


def read_aloud(
    text: str, language: str, pronunciations: Sequence[Pronunciation] = (), *, numbers: bool = True
) -> Reading:
    """As `normalise`, with the place of every character, and with other readings for some stretches of the text.

    Without `numbers`, these stay as they are written.
    """
    reader = _Reader(text, language, numbers)
    for pronunciation in pronunciations:
        reader.read_to(pronunciation.char_start)
        reader.read_as(pronunciation)
    reader.read_to(len(text))
    return reader.reading()


class _Reader:
    """Reads a text from its beginning to its end."""

    def __init__(self, text: str, language: str, numbers: bool) -> None:
        self._text, self._plain = text, text.translate(_PLAIN)
        self._main = primary_subtag(language) or language_by_script(text)
        self._numbers = numbers and self._main in _SPEECHES
        self._languages = _languages(self._plain, "en" if self._main == "en" else "zh")
        self._said: list[str] = []
        self._origins: list[int] = []
        self._told: list[Pronunciation] = []
        self._position = 0

    def reading(self) -> Reading:
        """What was read so far."""
        return Reading("".join(self._said), tuple(self._origins), tuple(self._told))

    def read_to(self, end: int) -> None:
        """Goes on to `end`, with numbers in words."""
        if not self._numbers:
            self._say(self._text[self._position : end], range(self._position, end))
            self._position = end
        while self._position < end:
            place, words = _read(self._plain, self._position, end, self._languages)
            written, plain = self._text[self._position : place], self._plain[self._position : place]
            said = written if words is None or words == plain else words
            self._say(said, (self._position + offset for offset in _places(written, said)))
            self._position = place

    def read_as(self, other: Pronunciation) -> None:
        """Goes on by a stretch that is said in another way."""
        start, end = other.char_start, other.char_end
        if other.kind is ReadingKind.WORDS:
            words = self._apart(normalise(other.reading, self._main) if self._numbers else other.reading)
            self._say(words, (start + place * (end - start) // len(words) for place in range(len(words))))
        else:
            first = len(self._origins)
            self._say(self._text[start:end], range(start, end))
            self._told.append(replace(other, char_start=first, char_end=len(self._origins)))
        self._position = end

    def _say(self, said: str, origins: Iterable[int]) -> None:
        self._said.append(said)
        self._origins += origins

    def _apart(self, words: str) -> str:
        """The words, with a space where they would grow together with the letters before them."""
        before = "".join(self._said)[-1:]
        return f" {words}" if _LETTERS.match(before) and _LETTERS.match(words) else words


def _read(text: str, position: int, limit: int, languages: list[str]) -> tuple[int, str | None]:
    """End of what is read at `position`, and its words; None where it is read as it stands."""
    found = _INTERESTING.search(text, position, limit)
    if found is None or found.start() > position:
        return (found.start() if found else limit), None
    language = languages[position]
    before = text[max(0, position - _CONTEXT_CHARACTERS) : position]
    for rule in RULES:
        match = rule.pattern.match(text, position, limit)
        if match and rule.language in ("", language) and (not rule.before or rule.before.search(before)):
            words = rule.say(match, _SPEECHES[language])
            if words is not None:
                return match.end(), words
    letters = _LETTERS.match(text, position, limit)
    return (letters.end() if letters else position + 1), None


def _languages(text: str, main: str) -> list[str]:
    """Language that a number at each place is read in."""
    languages = [main] * len(text)
    for clause in _CLAUSE.finditer(text):
        spoken = _language_of_clause(clause[0], main)
        languages[clause.start() : clause.end()] = [spoken] * len(clause[0])
        for run in _FOREIGN_RUN.finditer(text, *clause.span()):
            if len((_LETTERS if main == "en" else _COMMON_WORD).findall(run[0])) >= _RUN_WORDS[main]:
                languages[run.start() : run.end()] = ["en"] * len(run[0])
    for touching in re.finditer(r"[0-9.,]*[0-9](?=[\u3400-\u9fff])|(?<=[\u3400-\u9fff])[0-9.,]*[0-9]", text):
        languages[touching.start() : touching.end()] = ["zh"] * len(touching[0])
    return languages


def _language_of_clause(clause: str, main: str) -> str:
    hanzi, words = len(_HAN.findall(clause)), len(_LETTERS.findall(clause))
    if main == "zh":
        return "en" if not hanzi and words >= _CLAUSE_WORDS else "zh"
    return "zh" if 2 * hanzi > words else "en"


def _places(written: str, said: str) -> list[int]:
    """For every character said, its place in what is written: its own where both agree, else its number's first."""
    if written == said:
        return list(range(len(said)))
    places: list[int] = []
    reached = 0
    for block in SequenceMatcher(None, written, said, autojunk=False).get_matching_blocks():
        places += [_letter(written, reached, block.a)] * (block.b - len(places))
        places += range(block.a, block.a + block.size)
        reached = block.a + block.size
    return places


def _letter(written: str, start: int, end: int) -> int:
    """First letter or digit in [start, end) of what is written, else the last place before its end."""
    inside = (place for place in range(start, end) if written[place].isalnum())
    return next(inside, max(0, min(start, len(written) - 1)))
