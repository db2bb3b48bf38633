"""Where lines of text stand on a canvas: one calculation for breaking, drawing and checking them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.typography.fonts import Typeface, typeface
from services.typography.styles import Box, displayed, safe_area

_EM_ASCENT = 0.88
"""Height of the em box of East Asian fonts above the baseline; the box stands in the middle of the line."""


@dataclass(frozen=True)
class PlacedLine:
    """A line as drawn: `text` with the style's capitals; left edge, baseline, width and top of the em box in pixels."""

    text: str
    x: float
    baseline: float
    width: float
    top: float


@dataclass(frozen=True)
class PlacedBlock:
    """Lines on a canvas with the font size that lets them fit, in pixels an em."""

    lines: tuple[PlacedLine, ...]
    font_px: float
    typeface: Typeface

    @property
    def text_edges(self) -> Box:
        """Left, top, right and bottom edge of the em boxes of the text in pixels."""
        return (
            min(line.x for line in self.lines),
            self.lines[0].top,
            max(line.x + line.width for line in self.lines),
            self.lines[-1].top + self.font_px,
        )


def line_width_px(text: str, style: dict[str, Any], face: Typeface, font_px: float) -> float:
    """Width of a line: advances with kerning, letter spacing between its characters, in pixels."""
    shown = displayed(text, style)
    spacing_em: float = style["letter_spacing"] * max(0, len(shown) - 1)
    return (face.width_em(shown) + spacing_em) * font_px


def padding_em(style: dict[str, Any]) -> tuple[float, float]:
    """What is drawn left and right of a line, and above and below it: its box or its outline, in em."""
    if style["box"]["mode"] != "none":
        return style["box"]["padding_x"], style["box"]["padding_y"]
    return style["outline"]["width"], style["outline"]["width"]


def bounds_px(style: dict[str, Any], width: int, height: int) -> Box:
    """Edges of the box in which the style's block stands, in pixels of a width x height canvas."""
    position = style["position"]
    if position["bounds"] is None:
        return safe_area(position["area"], width, height)
    left, top, right, bottom = position["bounds"]
    return left * width, top * height, right * width, bottom * height


def place_lines(lines: Sequence[str], style: dict[str, Any], width: int, height: int) -> PlacedBlock:
    """Places lines by the style's alignment and position; a block too large for its bounds is drawn smaller."""
    face = typeface(style["font"]["id"], style["font"]["weight"])
    left, top, right, bottom = bounds_px(style, width, height)
    font_px = style["size"] * min(width, height)
    pad_x, pad_y = padding_em(style)
    widths = [line_width_px(line, style, face, font_px) for line in lines]
    block_width = max(widths) + 2 * pad_x * font_px
    block_height = ((len(lines) - 1) * style["line_height"] + 1 + 2 * pad_y) * font_px
    scale = min(1.0, (right - left) / block_width, (bottom - top) / block_height)
    font_px, widths = font_px * scale, [scale * line_width for line_width in widths]
    free = bottom - top - block_height * scale
    first_top = top + pad_y * font_px + {"top": 0.0, "middle": free / 2, "bottom": free}[style["position"]["vertical"]]
    inner_left, inner_right = left + pad_x * font_px, right - pad_x * font_px
    placed = []
    for index, (line, line_width) in enumerate(zip(lines, widths, strict=True)):
        room = inner_right - inner_left - line_width
        x = inner_left + {"left": 0.0, "center": room / 2, "right": room}[style["alignment"]]
        line_top = first_top + index * style["line_height"] * font_px
        placed.append(PlacedLine(displayed(line, style), x, line_top + _EM_ASCENT * font_px, line_width, line_top))
    return PlacedBlock(tuple(placed), font_px, face)
