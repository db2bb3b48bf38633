"""Numbers, dates, units and money written out in words, before the voice reads them in the wrong language.

One sentence has one reading language: Chinese where it is asked for or where there is Chinese script, else English;
texts in other languages pass unchanged. Digits glued to Latin letters (Qwen3, H200, GPT-4) are names and stay.
"""

from __future__ import annotations

import re

from services.text import normalise_chinese, normalise_english
from services.text.languages import primary_subtag

_HAN = re.compile(r"[\u4e00-\u9fff]")


def normalise(text: str, language: str) -> str:
    """`text` with its numbers in words; `language` is BCP 47 or "" for what the script says."""
    primary = primary_subtag(language)
    if primary == "zh" or (not primary and _HAN.search(text)):
        return normalise_chinese.in_words(text)
    return normalise_english.in_words(text) if primary in ("", "en") else text
