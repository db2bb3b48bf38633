"""Contrast between letters and whatever the style itself puts behind them, independent of the film."""

from __future__ import annotations

from typing import Any

_Color = tuple[float, float, float, float]
"""Red, green, blue and opacity, 0 to 1."""


def lowest_contrast(style: dict[str, Any]) -> float:
    """Lowest WCAG contrast ratio (1 to 21) of any letter colour against its outline, box or pill.

    A translucent backing counts over black or over white film, whichever is worse. Without outline, box and pill only
    the film is behind the letters, so nothing can be promised: 1.
    """
    letters = [style["fill"]["color"], *([style["fill"]["to"]] if style["fill"]["to"] else [])]
    highlight = style["highlight"]
    if highlight["mode"] in {"word", "karaoke"}:
        letters.append(highlight["color"])
    backing = _backing(style)
    ratios = [_worst_ratio(_rgba(letter), backing) for letter in letters]
    if highlight["mode"] == "pill":
        ratios.append(_worst_ratio(_rgba(highlight["color"]), _rgba(highlight["pill_color"])))
    return min(ratios)


def _backing(style: dict[str, Any]) -> _Color | None:
    if style["box"]["mode"] != "none":
        return _rgba(style["box"]["color"])
    if style["outline"]["width"] > 0:
        return _rgba(style["outline"]["color"])
    return None


def _worst_ratio(letter: _Color, backing: _Color | None) -> float:
    if backing is None:
        return 1.0
    films = ((0.0, 0.0, 0.0, 1.0), (1.0, 1.0, 1.0, 1.0))
    return min(_ratio(_over(letter, _over(backing, film)), _over(backing, film)) for film in films)


def _rgba(color: str) -> _Color:
    red, green, blue, alpha = bytes.fromhex(color[1:].ljust(8, "F"))
    return red / 255, green / 255, blue / 255, alpha / 255


def _over(top: _Color, below: _Color) -> _Color:
    red, green, blue = (top[3] * top[part] + (1 - top[3]) * below[part] for part in range(3))
    return red, green, blue, 1.0


def _ratio(first: _Color, second: _Color) -> float:
    """Contrast ratio of WCAG 2.2."""
    darker, lighter = sorted((_luminance(first), _luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: _Color) -> float:
    """Relative luminance of sRGB, by WCAG 2.2."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in color[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
