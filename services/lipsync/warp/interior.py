"""What shows between open lips: the dark of the mouth, the upper teeth, the tongue, in the light of the skin around."""

from __future__ import annotations

import numpy as np
from numpy import float32, uint8
from numpy.typing import NDArray

from services.lipsync.engine import Box
from services.lipsync.warp.mouth import Aperture, Mouth, aperture, edge_heights
from services.lipsync.warp.openness import MouthShape

_DARK = np.array([0.20, 0.085, 0.08], float32)  # relative to the skin's red, green, blue
_TONGUE = np.array([0.58, 0.36, 0.36], float32)
_TEETH = np.array([1.32, 1.26, 1.16], float32)  # relative to the skin's luma: enamel is almost white
_BRIGHTEST_TOOTH = 225.0
_TOOTH = 0.19  # length in half mouth widths
_TEETH_SHARE = 0.55  # of the opening's height that teeth may take
_PITCH = 0.19  # width of a tooth
_LIP_SHADOW = 0.07  # depth, in half mouth widths, of the upper lip's shadow on the teeth
_MARGIN = 0.14  # around the opening, in half mouth widths: where the lips are shaded
_LUMA = np.array([0.2126, 0.7152, 0.0722], float32)  # ITU-R BT.709


def paint(patch: NDArray[uint8], box: Box, mouth: Mouth, shape: MouthShape) -> None:
    """Paints the opening into `patch`, uint8 RGB (height, width, 3), the pixels in `box` with the lips moved."""
    height, width = patch.shape[:2]
    top, bottom = edge_heights(mouth, shape)
    around = mouth.box(-1.1, top - _MARGIN, 1.1, bottom + _MARGIN, box.x + width, box.y + height)
    rows = slice(max(0, around.y - box.y), around.y + around.height - box.y)
    columns = slice(max(0, around.x - box.x), around.x + around.width - box.x)
    region = patch[rows, columns]
    if region.size == 0:
        return
    x, y = np.meshgrid(
        np.arange(region.shape[1], dtype=float32) + np.float32(box.x + columns.start),
        np.arange(region.shape[0], dtype=float32) + np.float32(box.y + rows.start),
    )
    hole = aperture(x, y, mouth, shape)
    inside = np.clip(np.minimum(hole.below, hole.above) * mouth.half_width + 0.5, 0, 1) * _gaping(hole, mouth)
    lips = region * _shade(hole, mouth)[..., None]
    region[:] = np.rint(lips + inside[..., None] * (_colours(hole, mouth, _skin(patch)) - lips)).astype(uint8)


def _gaping(hole: Aperture, mouth: Mouth) -> NDArray[float32]:
    """Height of the opening in pixels, at most 1: a narrower one covers that share of a pixel."""
    return np.asarray(np.clip((hole.below + hole.above) * mouth.half_width, 0, 1), float32)


def _shade(hole: Aperture, mouth: Mouth) -> NDArray[float32]:
    """Darkening of the lips where they turn into the mouth."""
    away = np.maximum(0, -np.minimum(hole.below, hole.above))
    return np.asarray(1 - 0.35 * _gaping(hole, mouth) * np.exp(-away / 0.035), float32)


def _colours(hole: Aperture, mouth: Mouth, skin: NDArray[float32]) -> NDArray[float32]:
    height = np.maximum(hole.below + hole.above, 1e-3)
    colours = np.broadcast_to(skin * _DARK, (*hole.u.shape, 3))
    tongue = _soft(height - 0.12, 0.25) * _soft(
        1 - np.square(hole.u / 0.7) - np.square(hole.above / (0.5 * height)), 0.8
    )
    colours = colours + tongue[..., None] * 0.8 * (skin * _TONGUE - colours)
    side = np.clip(1 - 0.85 * np.square(hole.u / 0.8), 0, 1)
    length = np.minimum(_TOOTH * (1 - 0.3 * np.square(hole.u)), _TEETH_SHARE * height)
    teeth = _soft(length - hole.below, 2.5 / mouth.half_width) * (1 - min(1.0, 2 * mouth.teeth))
    light = (0.35 + 0.65 * _soft(hole.below, _LIP_SHADOW)) * side * (1 - 0.16 * _between_teeth(hole.u))
    enamel = np.minimum(_TEETH * float(skin @ _LUMA), _BRIGHTEST_TOOTH)
    return np.asarray(colours + (teeth * np.sqrt(side))[..., None] * (enamel * light[..., None] - colours), float32)


def _between_teeth(u: NDArray[float32]) -> NDArray[float32]:
    """1 in the gaps between teeth, the first in the middle of the mouth."""
    away = np.abs(u / _PITCH - np.rint(u / _PITCH)) * _PITCH
    return np.asarray(np.exp(-np.square(away / 0.012)), float32)


def _skin(patch: NDArray[uint8]) -> NDArray[float32]:
    """Mean colour of the chin."""
    height, width = patch.shape[:2]
    chin = patch[height // 2 : height * 5 // 8, width * 3 // 8 : width * 5 // 8]
    return np.asarray(chin.reshape(-1, 3).mean(axis=0), float32)


def _soft(value: NDArray[float32], width: float) -> NDArray[float32]:
    """0 below 0, 1 above `width`, smooth between."""
    t = np.clip(value / width, 0, 1)
    return np.asarray(t * t * (3 - 2 * t), float32)
