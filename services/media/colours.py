"""The colour that lies behind what is transparent in footage."""

from __future__ import annotations

import re

from services.base.errors import InvalidInputError

Rgb = tuple[int, int, int]
"""Full range, 0 to 255."""
BLACK: Rgb = (0, 0, 0)


def rgb_of_hex(text: str, field: str) -> Rgb:
    """The colour of "#rrggbb". Raises InvalidInputError for `field`."""
    if not re.fullmatch("#[0-9a-fA-F]{6}", text):
        raise InvalidInputError(f"{text[:20]!r} is no colour.", "Give one as #rrggbb.", field)
    red, green, blue = bytes.fromhex(text[1:])
    return red, green, blue
