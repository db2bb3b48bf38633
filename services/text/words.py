"""What a word of a script is: what captions light up, voices mark and aligners time."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

_SIGNS_BEFORE = "$€£¥￥₩"
_SIGNS_AFTER = "%％‰°℃℉+＋#＃"
_INSIDE_WORDS = "'’"
_INSIDE_NUMBERS = ".,．，"


@dataclass(frozen=True)
class Span:
    """Characters [start, end) of a text, in Unicode code points."""

    start: int
    end: int


def words_of(text: str) -> list[Span]:
    """The words of a text in order: a run of letters and digits, a number with its sign, or one hanzi or kana.

    "GPT-4涨了3.5%" has GPT, 4, 涨, 了, 3.5%. All letters and digits are in exactly one word; no word has a space.
    """
    return list(_words(text))


def says_something(text: str) -> bool:
    """Whether there is a letter or a digit to speak."""
    return any(unicodedata.category(character)[0] in "LN" for character in text)


def is_ideograph(char: str) -> bool:
    """Whether a character is a word by itself: a hanzi (Unicode's ideographs) or a kana."""
    return script_of(char) in {"CJK", "HIRAGANA", "KATAKANA", "IDEOGRAPHIC"}


@cache
def script_of(char: str) -> str:
    """First word of a letter's Unicode name, which is its script: LATIN, CJK, CYRILLIC, ...; "" for all but letters."""
    if not (char.isalpha() or unicodedata.category(char).startswith("M") or char == "〇"):
        return ""
    name = unicodedata.name(char, "UNKNOWN").removeprefix("FULLWIDTH ").removeprefix("HALFWIDTH ")
    return name.split()[0].split("-")[0]


def _words(text: str) -> Iterator[Span]:
    position = 0
    while position < len(text):
        if not text[position].isalnum():
            position += 1
            continue
        end = _end_of_word(text, position)
        start = position - (position > 0 and text[position - 1] in _SIGNS_BEFORE and text[position].isnumeric())
        yield Span(start, end)
        position = end


def _end_of_word(text: str, start: int) -> int:
    end = start + 1
    if not is_ideograph(text[start]):
        while end < len(text) and _goes_on(text, end):
            end += 1
    while end < len(text) and (text[end] in _SIGNS_AFTER or unicodedata.category(text[end]).startswith("M")):
        end += 1
    return end


def _goes_on(text: str, position: int) -> bool:
    """Whether the word that reaches up to `position` goes on there."""
    char, before, after = text[position], text[position - 1], text[position + 1 : position + 2]
    if char in _INSIDE_WORDS:
        return before.isalpha() and after.isalpha() and not is_ideograph(after)
    if char in _INSIDE_NUMBERS:
        return before.isdecimal() and after.isdecimal()
    is_part = char.isalnum() or unicodedata.category(char).startswith("M")
    return is_part and not is_ideograph(char)
