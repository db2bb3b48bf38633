"""What a text sounds like, roughly: for telling whether what was heard is what was to be said."""

from __future__ import annotations

import re
import unicodedata

from services.text.normalise import Reading
from services.text.pronunciation import ReadingKind

_HAN = re.compile(r"[\u3400-\u9fff]+")
_TONES = str.maketrans("ü", "v", "12345")  # "v" is how pypinyin writes it


def sounds(reading: Reading) -> str:
    """Letters of a text as it is read aloud, small and without marks; of hanzi, their pinyin without tones.

    "2025年，AI" has "erlingerwunianai". Homophones, traditional and simplified characters, and numbers in digits and in
    words are alike.
    """
    pieces: list[str] = []
    position = 0
    for told in reading.pronunciations:
        if told.kind is ReadingKind.PINYIN:
            pieces += [_spelled(reading.said[position : told.char_start]), told.reading.translate(_TONES)]
            position = told.char_end
    return letters("".join([*pieces, _spelled(reading.said[position:])]))


def letters(text: str) -> str:
    """Letters and digits alone, in compatible forms (NFKC) and without case."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))


def _spelled(text: str) -> str:
    """The text with its hanzi in pinyin."""
    return _HAN.sub(_pinyin, text)


def _pinyin(hanzi: re.Match[str]) -> str:
    from pypinyin import lazy_pinyin  # 57 MB, of use only where takes are judged

    return "".join(lazy_pinyin(hanzi[0]))
