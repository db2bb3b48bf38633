"""Where captions and titles may stand: clear of the buttons of apps and never over the mouth."""

from __future__ import annotations

from typing import Literal

from services.runtime.styles import Box, safe_area

MouthBox = tuple[int, int, int, int]
"""x, y, width and height in film pixels."""

_MOUTH_MARGIN_SHARE = 0.02
"""Distance kept from the mouth, as a share of the canvas height: lips open and heads nod."""


def text_band(
    area: Literal["safe", "caption", "title"],
    width: int,
    height: int,
    platform: str = "default",
    avoid: MouthBox | None = None,
    needed_px: float = 0,
) -> Box:
    """Left, top, right and bottom edge of the band for captions or titles, in pixels of a width x height canvas.

    The area of safe_areas.json, moved the shortest way off the mouth box `avoid` inside the safe area. Where neither
    below nor above the mouth `needed_px` are free, the band takes the higher of the two spaces: then the
    text is drawn smaller or reaches beyond the safe area and the quality report says so.
    Raises InvalidInputError (PLATFORM_UNKNOWN).
    """
    left, top, right, bottom = safe_area(area, width, height, platform)
    if avoid is None:
        return left, top, right, bottom
    margin = _MOUTH_MARGIN_SHARE * height
    mouth_top, mouth_bottom = avoid[1] - margin, avoid[1] + avoid[3] + margin
    if bottom <= mouth_top or top >= mouth_bottom:
        return left, top, right, bottom
    _, safe_top, _, safe_bottom = safe_area("safe", width, height, platform)
    below = _placed(top, bottom, max(mouth_bottom, safe_top), safe_bottom)
    above = _placed(top, bottom, safe_top, min(mouth_top, safe_bottom))
    fitting = [band for band in (below, above) if band[1] - band[0] >= needed_px]
    moved = min(fitting, key=lambda band: abs(band[0] - top)) if fitting else max((below, above), key=_height)
    return left, moved[0], right, moved[1]


def _placed(top: float, bottom: float, least: float, most: float) -> tuple[float, float]:
    """The band top..bottom shifted into least..most, shortened where it is too high for it."""
    height = max(0.0, min(bottom - top, most - least))
    start = min(max(top, least), most - height) if most > least else least
    return start, start + height


def _height(band: tuple[float, float]) -> float:
    return band[1] - band[0]
