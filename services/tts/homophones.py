"""Pinyin for voices that know characters only: hanzi that sound as it says."""

from __future__ import annotations

from functools import cache

from pypinyin.constants import PINYIN_DICT

from services.text.normalise import Reading
from services.text.notation.pinyin import syllables_of
from services.text.pronunciation import ReadingKind

_COMMON = range(0xB0, 0xD8)
"""First bytes of GB 2312's level 1: the 3,755 hanzi that are used most."""


def with_homophones(reading: Reading) -> str:
    """What is said, with words that are told in pinyin in hanzi of that sound.

    A hanzi that is usually read so stays, and so does what no other sounds like. IPA is not heeded.
    """
    said, end = "", 0
    for told in reading.pronunciations:
        written = reading.said[told.char_start : told.char_end]
        pinyin = told.kind is ReadingKind.PINYIN
        said += reading.said[end : told.char_start] + (_spelled(written, told.reading.split()) if pinyin else written)
        end = told.char_end
    return said + reading.said[end:]


def _spelled(written: str, syllables: list[str]) -> str:
    hanzi = written if len(written) == len(syllables) else " " * len(syllables)
    found = [
        own if syllable == _usual(own) else _homophones().get(syllable, own)
        for own, syllable in zip(hanzi, syllables, strict=True)
    ]
    return written if " " in found else "".join(found)


@cache
def _homophones() -> dict[str, str]:
    """The hanzi for each syllable, the best one being common and read in no other way."""
    ranked: dict[str, tuple[bool, bool, str]] = {}
    for code, readings in PINYIN_DICT.items():
        bytes_ = chr(code).encode("gb2312", "ignore")
        if bytes_:
            rank = (bytes_[0] not in _COMMON, "," in readings, chr(code))
            syllable = _usual(chr(code))
            ranked[syllable] = min(ranked.get(syllable, rank), rank)
    return {syllable: hanzi for syllable, (_, _, hanzi) in ranked.items()}


def _usual(hanzi: str) -> str:
    """How a hanzi is read most often; "" for other characters."""
    readings = PINYIN_DICT.get(ord(hanzi), "")
    return next(iter(syllables_of(readings.partition(",")[0], 1)), "")
