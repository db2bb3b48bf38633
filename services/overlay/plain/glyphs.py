"""Masks: how much of each pixel letters, their outlines and rounded boxes cover."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy import float32
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from services.typography.fonts import Typeface


@dataclass(frozen=True)
class LineMask:
    """Coverage (0 to 255) of a line's letters and of letters with outline.

    Both pictures have the line's left edge at column `margin` and its baseline at row `baseline`.
    """

    letters: Image.Image
    outlined: Image.Image
    margin: int
    baseline: int


def character_x_em(face: Typeface, text: str, index: int, spacing_em: float) -> float:
    """Left edge of character `index` of a line in em; of the line's end when `index` is its length."""
    spaces = index if index < len(text) else max(0, index - 1)
    return face.width_em(text[:index]) + spacing_em * spaces


@lru_cache(maxsize=128)
def line_mask(face: Typeface, text: str, font_px: float, spacing_em: float, outline_px: float) -> LineMask:
    """Draws a line of text once; karaoke and animations use the same mask again and again."""
    margin = math.ceil(outline_px + 0.4 * font_px)
    width = math.ceil(character_x_em(face, text, len(text), spacing_em) * font_px) + 2 * margin
    size = (width, math.ceil(1.3 * font_px) + 2 * margin)
    baseline = margin + math.ceil(font_px)
    letters = _drawn(face, text, size, (margin, baseline), font_px, spacing_em, 0.0)
    outlined = _drawn(face, text, size, (margin, baseline), font_px, spacing_em, outline_px) if outline_px else letters
    return LineMask(letters, outlined, margin, baseline)


def _drawn(
    face: Typeface,
    text: str,
    size: tuple[int, int],
    origin: tuple[int, int],
    font_px: float,
    spacing_em: float,
    stroke_px: float,
) -> Image.Image:
    mask = Image.new("L", size)
    draw = ImageDraw.Draw(mask)
    position = 0
    for run in face.runs(text):
        font = run.font.at(round(run.scale * font_px, 2))
        pieces = list(run.text) if spacing_em and run.font is face.text_font else [run.text]
        for piece in pieces:
            x = origin[0] + character_x_em(face, text, position, spacing_em) * font_px
            draw.text((x, origin[1]), piece, fill=255, font=font, anchor="ls", stroke_width=stroke_px)
            position += len(piece)
    return mask


def rounded_box(size: tuple[int, int], edges: tuple[float, float, float, float], radius: float) -> Image.Image:
    """Coverage of a rounded box with `edges` left, top, right, bottom on a picture of `size`.

    Signed distance of a rounded box (iquilezles.org/articles/distfunctions2d), a pixel of smoothing.
    """
    left, top, right, bottom = edges
    radius = min(radius, (right - left) / 2, (bottom - top) / 2)
    x = np.abs(np.arange(size[0], dtype=float32) + 0.5 - (left + right) / 2) - (right - left) / 2 + radius
    y = np.abs(np.arange(size[1], dtype=float32) + 0.5 - (top + bottom) / 2) - (bottom - top) / 2 + radius
    outside = np.hypot(np.maximum(x, 0)[None, :], np.maximum(y, 0)[:, None])
    inside = np.minimum(np.maximum(x[None, :], y[:, None]), 0)
    coverage: NDArray[float32] = np.clip(0.5 + radius - outside - inside, 0, 1)
    return Image.fromarray(np.rint(coverage * 255).astype(np.uint8))
