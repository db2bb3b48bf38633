"""Where captions and titles may stand: clear of the buttons of the apps, and of the mouth."""

from __future__ import annotations

from typing import Literal

from services.typography.styles import Box, safe_area

MouthBox = tuple[int, int, int, int]
"""x, y, width and height in film pixels."""

_MARGIN_SHARE = 0.02
"""Distance kept from a mouth or a face, as a share of the canvas height, because lips open and heads nod."""
_LEAST_SHARE = 0.5
"""Text drawn below this share of its size cannot be read on a phone, so it had better cover the face."""


def text_band(
    area: Literal["safe", "caption", "title"],
    width: int,
    height: int,
    platform: str = "default",
    avoid: MouthBox | None = None,
    needed_px: float = 0,
) -> Box:
    """Left, top, right and bottom edge of the band for captions or titles, in pixels of a width x height canvas.

    The band is the area of safe_areas.json, moved off `avoid` by the shortest way and shortened where necessary.
    Captions stay inside the safe area, titles between their own top edge (labels are above it) and the captions. Where
    there are `needed_px` neither below nor above `avoid`, the band takes the larger of the two spaces, and the text is
    drawn smaller. Where even that has less than half of `needed_px`, as in a close-up, the band stays where it was.
    Raises InvalidInputError (PLATFORM_UNKNOWN).
    """
    left, top, right, bottom = safe_area(area, width, height, platform)
    if avoid is None:
        return left, top, right, bottom
    margin = _MARGIN_SHARE * height
    avoid_top, avoid_bottom = avoid[1] - margin, avoid[1] + avoid[3] + margin
    if bottom <= avoid_top or top >= avoid_bottom:
        return left, top, right, bottom
    least, most = _reach(area, width, height, platform)
    below = _placed(top, bottom, max(avoid_bottom, least), most)
    above = _placed(top, bottom, least, min(avoid_top, most))
    fitting = [band for band in (above, below) if _height(band) >= needed_px]
    moved = min(fitting, key=lambda band: abs(band[0] - top)) if fitting else max((above, below), key=_height)
    if _height(moved) <= _LEAST_SHARE * needed_px:
        return left, top, right, bottom
    return left, moved[0], right, moved[1]


def _reach(area: Literal["safe", "caption", "title"], width: int, height: int, platform: str) -> tuple[float, float]:
    """Top and bottom edge of the region that an area may be moved within."""
    _, safe_top, _, safe_bottom = safe_area("safe", width, height, platform)
    if area != "title":
        return safe_top, safe_bottom
    return safe_area("title", width, height, platform)[1], safe_area("caption", width, height, platform)[1]


def _placed(top: float, bottom: float, least: float, most: float) -> tuple[float, float]:
    """The band top..bottom shifted into least..most, and shortened where it does not fit."""
    height = max(0.0, min(bottom - top, most - least))
    start = min(max(top, least), most - height) if most > least else least
    return start, start + height


def _height(band: tuple[float, float]) -> float:
    return band[1] - band[0]
