"""The colour behind transparent footage."""

from __future__ import annotations

Rgb = tuple[int, int, int]
"""Full range, 0 to 255."""
BLACK: Rgb = (0, 0, 0)


def rgb_of_hex(text: str) -> Rgb:
    """The colour of "#rrggbb"."""
    red, green, blue = bytes.fromhex(text[1:])
    return red, green, blue
