"""Where captions and titles may stand: clear of the buttons of the apps, and of the face."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from services.typography.styles import Box, safe_area

AvoidBox = tuple[int, int, int, int]
"""A mouth or a face: x, y, width and height in film pixels."""

_MARGIN_SHARE = 0.02
"""Distance kept from a mouth or a face, as a share of the canvas height, because lips open and heads nod."""
_LEAST_SHARE = 0.5
"""Text drawn below this share of its size cannot be read on a phone."""
_EDGE_SHARE = 0.03
"""Of the canvas height, at the top and the bottom: even captions over a close-up keep off it."""


def text_band(
    area: Literal["safe", "caption", "title"],
    width: int,
    height: int,
    platform: str = "default",
    avoid: Sequence[AvoidBox] = (),
    needed_px: float = 0,
) -> Box:
    """Left, top, right and bottom edge of the band for captions or titles, in pixels of a width x height canvas.

    The band is the area of safe_areas.json, moved off the first of `avoid` by the shortest way and shortened where
    necessary. Captions stay inside the safe area, titles between their own top edge (labels are above it) and the
    captions. Where there are `needed_px` neither below nor above, the band takes the larger of the two spaces, and the
    text is drawn smaller; where even that has less than half of `needed_px`, captions leave the safe area. In a picture
    without such a space the next of `avoid` is kept clear, and without a next the band stays where it was.
    Raises InvalidInputError (PLATFORM_UNKNOWN).
    """
    left, top, right, bottom = safe_area(area, width, height, platform)
    for box in avoid:
        for reach in _reaches(area, width, height, platform):
            moved = _moved((top, bottom), box, _MARGIN_SHARE * height, reach, needed_px)
            if _height(moved) > _LEAST_SHARE * needed_px:
                return left, moved[0], right, moved[1]
    return left, top, right, bottom


def _reaches(
    area: Literal["safe", "caption", "title"], width: int, height: int, platform: str
) -> Iterator[tuple[float, float]]:
    """Top and bottom edges of the regions that an area may be moved within, the best first."""
    _, safe_top, _, safe_bottom = safe_area("safe", width, height, platform)
    if area == "title":
        yield safe_area("title", width, height, platform)[1], safe_area("caption", width, height, platform)[1]
        return
    yield safe_top, safe_bottom
    yield _EDGE_SHARE * height, (1 - _EDGE_SHARE) * height


def _moved(
    band: tuple[float, float], avoid: AvoidBox, margin: float, reach: tuple[float, float], needed_px: float
) -> tuple[float, float]:
    """The band where it does not touch `avoid`, as high as it can be where it must be lower than needed."""
    (top, bottom), (least, most) = band, reach
    avoid_top, avoid_bottom = avoid[1] - margin, avoid[1] + avoid[3] + margin
    if bottom <= avoid_top or top >= avoid_bottom:
        return band
    below = _placed(top, bottom, max(avoid_bottom, least), most)
    above = _placed(top, bottom, least, min(avoid_top, most))
    fitting = [space for space in (above, below) if _height(space) >= needed_px]
    return min(fitting, key=lambda space: abs(space[0] - top)) if fitting else max((above, below), key=_height)


def _placed(top: float, bottom: float, least: float, most: float) -> tuple[float, float]:
    """The band top..bottom shifted into least..most, and shortened where it does not fit."""
    height = max(0.0, min(bottom - top, most - least))
    start = min(max(top, least), most - height) if most > least else least
    return start, start + height


def _height(band: tuple[float, float]) -> float:
    return band[1] - band[0]
