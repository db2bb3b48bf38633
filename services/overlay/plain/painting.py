"""Paints a block of lines in a style: box, shadow, pill, outline and letters, one over the other."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy import uint8
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageColor, ImageFilter

from services.overlay.plain.glyphs import LineMask, character_x_em, line_mask, rounded_box
from services.typography.cues import CueWord
from services.typography.typeset import PlacedBlock, PlacedLine, place_lines

_Color = tuple[int, int, int, int]
PlacedWord = tuple[int, CueWord]
"""Index of a line and a word of it."""


@dataclass(frozen=True)
class Painted:
    """A picture, RGBA with straight alpha, with its left top corner on the canvas."""

    picture: Image.Image
    x: int
    y: int

    def pixels(self) -> NDArray[uint8]:
        """uint8 (height, width, 4)."""
        return np.asarray(self.picture)


class BlockPainter:
    """Paints lines in a style on a canvas; what does not change from word to word is painted once.

    Raises InvalidInputError (GLYPH_MISSING) for `field`.
    """

    def __init__(self, lines: Sequence[str], style: dict[str, Any], width: int, height: int, field: str) -> None:
        self._style = style
        self._canvas = (width, height)
        self._block = place_lines(lines, style, width, height)
        for line in self._block.lines:
            self._block.typeface.require(line.text, field)
        self._font_px = self._block.font_px
        self._masks = [self._mask(line) for line in self._block.lines]
        self._left, self._top, right, bottom = self._extent()
        self._size = (right - self._left, bottom - self._top)
        self._below = self._painted_below()

    @property
    def block(self) -> PlacedBlock:
        """Where the lines stand."""
        return self._block

    def paint(self, spoken: Sequence[PlacedWord] = (), current: PlacedWord | None = None) -> Painted:
        """The block, cropped to what is drawn: lit from first to last word in `spoken`, `current` on a pill."""
        picture = self._below.copy()
        highlight = self._style["highlight"]
        if current:
            picture.alpha_composite(_flat(self._pill(*current), _rgba(highlight["pill_color"])))
        if self._style["outline"]["width"]:
            picture.alpha_composite(_flat(self._together("outlined"), _rgba(self._style["outline"]["color"])))
        for index in range(len(self._masks)):
            words = [word for line, word in spoken if line == index]
            self._paint_letters(picture, index, words)
        return _cropped(Painted(picture, self._left, self._top), self._canvas)

    def _mask(self, line: PlacedLine) -> LineMask:
        outline_px = round(self._style["outline"]["width"] * self._font_px, 2)
        spacing_em = self._style["letter_spacing"]
        return line_mask(self._block.typeface, line.text, round(self._font_px, 2), spacing_em, outline_px)

    def _extent(self) -> tuple[int, int, int, int]:
        """Whole pixels in which everything lies: left, top, right, bottom."""
        shadow, box, highlight = self._style["shadow"], self._style["box"], self._style["highlight"]
        reach = max(
            self._style["outline"]["width"] + max(abs(shadow["x"]), abs(shadow["y"])) + 3 * shadow["blur"],
            box["padding_x"],
            box["padding_y"],
            highlight["padding_x"],
            highlight["padding_y"],
        )
        margin = (reach + 0.45) * self._font_px + 2
        left, top, right, bottom = self._block.text_edges
        return (
            math.floor(left - margin),
            math.floor(top - margin),
            math.ceil(right + margin),
            math.ceil(bottom + margin),
        )

    def _origin(self, index: int) -> tuple[int, int]:
        """Where the mask of a line lies on the block's picture."""
        line, mask = self._block.lines[index], self._masks[index]
        return round(line.x) - mask.margin - self._left, round(line.baseline) - mask.baseline - self._top

    def _together(self, kind: str) -> Image.Image:
        """Masks of all lines on one picture."""
        whole = Image.new("L", self._size)
        for index, mask in enumerate(self._masks):
            part = getattr(mask, kind)
            x, y = self._origin(index)
            area = (x, y, x + part.width, y + part.height)
            whole.paste(ImageChops.lighter(whole.crop(area), part), area)
        return whole

    def _painted_below(self) -> Image.Image:
        picture = Image.new("RGBA", self._size)
        for edges in self._box_edges():
            mask = rounded_box(self._size, edges, self._style["box"]["radius"] * self._font_px)
            picture.alpha_composite(_flat(mask, _rgba(self._style["box"]["color"])))
        shadow = self._style["shadow"]
        color = _rgba(shadow["color"])
        if color[3]:
            blurred = self._together("outlined").filter(ImageFilter.GaussianBlur(shadow["blur"] * self._font_px))
            shift = round(shadow["x"] * self._font_px), round(shadow["y"] * self._font_px)
            picture.alpha_composite(_flat(ImageChops.offset(blurred, *shift), color))
        return picture

    def _box_edges(self) -> Iterable[tuple[float, float, float, float]]:
        """Left, top, right and bottom of each box on the block's picture."""
        box = self._style["box"]
        if box["mode"] == "none":
            return []
        edges = [(line.x, line.top, line.x + line.width, line.top + self._font_px) for line in self._block.lines]
        if box["mode"] == "block":
            edges = [self._block.text_edges]
        pad_x, pad_y = box["padding_x"] * self._font_px, box["padding_y"] * self._font_px
        return [
            (left - pad_x - self._left, top - pad_y - self._top, right + pad_x - self._left, bottom + pad_y - self._top)
            for left, top, right, bottom in edges
        ]

    def _word_columns(self, index: int, word: CueWord) -> tuple[float, float]:
        """Left and right edge of a word on the block's picture."""
        line, face, spacing = self._block.lines[index], self._block.typeface, self._style["letter_spacing"]
        first = character_x_em(face, line.text, word.char_start, spacing)
        last = character_x_em(face, line.text, word.char_end, spacing) - (
            spacing if word.char_end < len(line.text) else 0
        )
        left = round(line.x) - self._left
        return left + first * self._font_px, left + last * self._font_px

    def _pill(self, index: int, word: CueWord) -> Image.Image:
        highlight, line = self._style["highlight"], self._block.lines[index]
        pad_x, pad_y = highlight["padding_x"] * self._font_px, highlight["padding_y"] * self._font_px
        left, right = self._word_columns(index, word)
        top = line.top - self._top
        edges = (left - pad_x, top - pad_y, right + pad_x, top + self._font_px + pad_y)
        return rounded_box(self._size, edges, highlight["radius"] * self._font_px)

    def _paint_letters(self, picture: Image.Image, index: int, words: Sequence[CueWord]) -> None:
        mask = self._masks[index].letters
        x, y = self._origin(index)
        colors = self._fill(mask.size, self._masks[index].baseline)
        if words:
            left, right = self._word_columns(index, words[0])[0], self._word_columns(index, words[-1])[1]
            colors.paste(_rgba(self._style["highlight"]["color"]), (round(left) - x, 0, round(right) - x, mask.height))
        colors.putalpha(ImageChops.multiply(colors.getchannel("A"), mask))
        picture.alpha_composite(colors, (x, y))

    def _fill(self, size: tuple[int, int], baseline: int) -> Image.Image:
        fill = self._style["fill"]
        start = _rgba(fill["color"])
        if fill["to"] is None:
            return Image.new("RGBA", size, start)
        top = baseline - 0.88 * self._font_px
        share = np.clip((np.arange(size[1]) + 0.5 - top) / self._font_px, 0, 1)[:, None]
        rows = np.rint((1 - share) * np.array(start) + share * np.array(_rgba(fill["to"]))).astype(uint8)
        return Image.fromarray(np.repeat(rows[:, None, :], size[0], axis=1))


def _rgba(color: str) -> _Color:
    red, green, blue, *alpha = ImageColor.getrgb(color)
    return red, green, blue, alpha[0] if alpha else 255


def _flat(mask: Image.Image, color: _Color) -> Image.Image:
    """One colour with the mask as its opacity."""
    layer = Image.new("RGBA", mask.size, color)
    layer.putalpha(mask if color[3] == 255 else mask.point([value * color[3] // 255 for value in range(256)]))
    return layer


def _cropped(painted: Painted, canvas: tuple[int, int]) -> Painted:
    """Without empty edges and without what lies outside the canvas."""
    box = painted.picture.getchannel("A").getbbox() or (0, 0, 1, 1)
    left, top = max(box[0], -painted.x), max(box[1], -painted.y)
    right, bottom = min(box[2], canvas[0] - painted.x), min(box[3], canvas[1] - painted.y)
    cropped = painted.picture.crop((left, top, max(right, left + 1), max(bottom, top + 1)))
    return Painted(cropped, painted.x + left, painted.y + top)
