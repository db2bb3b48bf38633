"""What a text sounds like, roughly: for telling whether what was heard is what was to be said."""

from __future__ import annotations

import re
import unicodedata

from services.text.normalise import normalise

_HAN = re.compile(r"[\u3400-\u9fff]+")


def sounds(text: str, language: str) -> str:
    """Letters of `text` read aloud in a BCP 47 language, small and without marks: in Chinese, pinyin without tones.

    "2025年，AI" has "erlingerwunianai". Homophones, traditional and simplified characters, and numbers in digits and in
    words are alike.
    """
    return letters(_HAN.sub(_pinyin, normalise(text, language)))


def letters(text: str) -> str:
    """Letters and digits alone, in compatible forms (NFKC) and without case."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))


def _pinyin(hanzi: re.Match[str]) -> str:
    from pypinyin import lazy_pinyin  # 57 MB, of use only where takes are judged

    return "".join(lazy_pinyin(hanzi[0]))
