"""When the words of a caption are spoken: what captions are cut into, and what lights words up as they are drawn."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CueWord:
    """Characters [char_start, char_end) of a line are spoken in film frames [first_film_frame, end_film_frame)."""

    char_start: int
    char_end: int
    first_film_frame: int
    end_film_frame: int
