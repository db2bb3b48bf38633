"""Silences in a text."""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST_PAUSE_S = 10.0
LONGEST_PAUSES_S = 30.0
"""Of all pauses of one text together."""
ELLIPSIS_S = 0.6

_ELLIPSIS = re.compile(r"(?:(?:…+|[.．。]{3,})[”’」』\"')）]*\s*)+")


@dataclass(frozen=True)
class Pause:
    """A silence of `duration_s` seconds before character `char` of a text, or at its end where that is its length."""

    char: int
    duration_s: float


def pauses_of_ellipses(text: str) -> list[Pause]:
    """A pause after each ellipsis, "……" or "...", in order."""
    return [Pause(match.end(), ELLIPSIS_S) for match in _ELLIPSIS.finditer(text)]
