"""How a stretch of a text is said where that is other than what is written."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ReadingKind(StrEnum):
    """What a reading is written in."""

    PINYIN = "pinyin"
    IPA = "ipa"
    WORDS = "words"


@dataclass(frozen=True)
class Pronunciation:
    """Characters [char_start, char_end) of a text are said as `reading`, in one of three kinds.

    PINYIN: syllables of Hanyu Pinyin in small letters, each with its tone as a digit (5 is the neutral one), with one
    space between them: "chong2 qing4", "lü4"; as many as there are characters where all of these are hanzi. IPA:
    International Phonetic Alphabet without slashes, of a word as English says it: "ˌkuːbərˈnɛtiːz". WORDS: plain text
    that is read aloud in their place.
    """

    char_start: int
    char_end: int
    kind: ReadingKind
    reading: str
