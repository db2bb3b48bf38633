"""How long a line of captions or subtitles may be, counted in half-widths."""

from __future__ import annotations

import re
import unicodedata

from services.text.emoji import EMOJI
from services.text.tokens import HAN

MAX_CHINESE_UNITS = 32
"""Longest line with Han characters, in half-widths: 16 Han characters (Netflix Timed Text Style Guide, Chinese)."""
MAX_LATIN_UNITS = 42
"""Longest line without Han characters (Netflix Timed Text Style Guide, English)."""

_HAN_CHARACTER = re.compile(f"[{HAN}]")


def max_units(text: str) -> int:
    """Most half-widths on a line of `text`."""
    return MAX_CHINESE_UNITS if _HAN_CHARACTER.search(text) else MAX_LATIN_UNITS


def units_of(text: str) -> int:
    """Length in half-widths: two for wide characters and emoji, one for others, none for combining marks."""
    emoji = sum(len(match[0]) for match in EMOJI.finditer(text))
    pictures = sum(1 for _ in EMOJI.finditer(text))
    plain = EMOJI.sub("", text) if emoji else text
    return 2 * pictures + sum(_character_units(character) for character in plain)


def _character_units(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
