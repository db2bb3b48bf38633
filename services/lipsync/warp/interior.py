"""What shows between open lips: the footage's own teeth and dark where it shows them, else painted ones.

Teeth that the footage shows stay where they are, for they move with the head; what lies below them is stretched.
Painted are the dark of the mouth, the upper teeth and the tongue, in the light of the skin around.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy import float32, uint8
from numpy.typing import NDArray

from services.lipsync.engine import Box
from services.lipsync.warp.contour import Mouth
from services.lipsync.warp.mouth import Opening, narrowed, opening, ramp
from services.lipsync.warp.shape import MouthShape

_DARK = np.array([0.20, 0.085, 0.08], float32)  # relative to the skin's red, green, blue
_TONGUE = np.array([0.58, 0.36, 0.36], float32)
_TEETH = np.array([1.32, 1.26, 1.16], float32)  # relative to the skin's luma: enamel is almost white
_BRIGHTEST_TOOTH = 225.0
_TOOTH = 0.19  # length in units
_TEETH_SHARE = 0.55  # of the opening's height that teeth may take
_PITCH = 0.19  # width of a tooth
_LIP_SHADOW = 0.07  # depth, in units, of the upper lip's shadow on the teeth
_MARGIN = 0.14  # around the opening, in units: where the lips are shaded
_SHOWN = (0.05, 0.15)  # units of the footage's own opening, below the teeth, that are stretched not at all, and alone
_LUMA = np.array([0.2126, 0.7152, 0.0722], float32)  # ITU-R BT.709


class _Hole(NamedTuple):
    """Pixels in and around the opening: `u` along the mouth before the corners moved, v, and the opening there."""

    u: NDArray[float32]
    v: NDArray[float32]
    edges: Opening

    @property
    def below(self) -> NDArray[float32]:
        """Units below the upper lip."""
        return self.v - self.edges.top

    @property
    def above(self) -> NDArray[float32]:
        """Units above the lower lip."""
        return self.edges.bottom - self.v


def paint(patch: NDArray[uint8], crop: NDArray[uint8], box: Box, mouth: Mouth, shape: MouthShape) -> None:
    """Paints the opening into `patch`, uint8 RGB (height, width, 3): `crop`, the pixels in `box`, with lips moved."""
    rows, columns = _around(box, mouth, shape)
    region = patch[rows, columns]
    if region.size == 0:
        return
    x, y = np.meshgrid(
        np.arange(columns.start, columns.stop, dtype=float32), np.arange(rows.start, rows.stop, dtype=float32)
    )
    u, v = mouth.coordinates(x + np.float32(box.x), y + np.float32(box.y))
    from_u = narrowed(u, v, shape)
    hole = _Hole(from_u, v, opening(mouth, shape, from_u))
    inside = np.clip(np.minimum(hole.below, hole.above) * mouth.unit + 0.5, 0, 1) * _gaping(hole, mouth)
    lips = region * _shade(hole, mouth)[..., None]
    colours = _mixed(_painted(hole, mouth, _skin(patch)), hole, u, (x, y), crop, mouth)
    region[:] = np.rint(lips + inside[..., None] * (colours - lips)).astype(uint8)


def _around(box: Box, mouth: Mouth, shape: MouthShape) -> tuple[slice, slice]:
    """Rows and columns of the patch that the opening reaches."""
    edges = opening(mouth, shape, np.linspace(-1, 1, 9, dtype=float32))
    area = (-1.1, float(edges.top.min()) - _MARGIN, 1.1, float(edges.bottom.max()) + _MARGIN)
    around = mouth.box(area, box.x + box.width, box.y + box.height)
    rows = slice(max(0, around.y - box.y), max(0, around.y + around.height - box.y))
    return rows, slice(max(0, around.x - box.x), max(0, around.x + around.width - box.x))


def _gaping(hole: _Hole, mouth: Mouth) -> NDArray[float32]:
    """Height of the opening in pixels, at most 1: a narrower one covers that share of a pixel."""
    return np.asarray(np.clip((hole.below + hole.above) * mouth.unit, 0, 1), float32)


def _shade(hole: _Hole, mouth: Mouth) -> NDArray[float32]:
    """Darkening of the lips where they turn into an opening that the footage does not have."""
    away = np.maximum(0, -np.minimum(hole.below, hole.above))
    own = ramp(hole.edges.bottom_before - hole.edges.top_before, 0.0, _SHOWN[1])
    return np.asarray(1 - 0.35 * (1 - own) * _gaping(hole, mouth) * np.exp(-away / 0.035), float32)


def _mixed(
    painted: NDArray[float32],
    hole: _Hole,
    u: NDArray[float32],
    xy: tuple[NDArray[float32], NDArray[float32]],
    crop: NDArray[uint8],
    mouth: Mouth,
) -> NDArray[float32]:
    """The footage's own teeth, what is below them as far as it is shown, and the painted rest."""
    edges = hole.edges
    before = edges.bottom_before - edges.top_before
    if mouth.gap < _SHOWN[0]:
        return painted
    line = edges.top_before + mouth.teeth * before  # lower ends of the teeth
    room = np.maximum(1e-3, edges.bottom - np.maximum(line, edges.top))
    stretched = edges.bottom_before - (edges.bottom_before - line) * (edges.bottom - hole.v) / room
    on_teeth = 1 - ramp(hole.v - line, -1.0 / mouth.unit, 1.0 / mouth.unit)
    source = np.where(hole.v < line, hole.v, np.clip(stretched, line, edges.bottom_before))
    along = np.where(hole.v < line, 0, hole.u - u)
    moves = mouth.offset(u, np.asarray(along, float32), np.asarray(source - hole.v, float32))
    columns, rows = (np.asarray(move + place, float32) for move, place in zip(moves, xy, strict=True))
    own = cv2.remap(crop, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(float32)
    shown = ramp((1 - mouth.teeth) * before, *_SHOWN)
    grown = ramp(edges.bottom - edges.top - before, 0.0, _SHOWN[0])
    share = np.maximum(on_teeth * ramp(mouth.teeth * before, 0.0, _SHOWN[0]), np.maximum(shown, 1 - grown))
    return np.asarray(painted + share[..., None] * (own - painted), float32)


def _painted(hole: _Hole, mouth: Mouth, skin: NDArray[float32]) -> NDArray[float32]:
    height = np.maximum(hole.below + hole.above, 1e-3)
    colours = np.broadcast_to(skin * _DARK, (*hole.u.shape, 3))
    tongue = _soft(height - 0.12, 0.25) * _soft(
        1 - np.square(hole.u / 0.7) - np.square(hole.above / (0.5 * height)), 0.8
    )
    colours = colours + tongue[..., None] * 0.8 * (skin * _TONGUE - colours)
    side = np.clip(1 - 0.85 * np.square(hole.u / 0.8), 0, 1)
    length = np.minimum(_TOOTH * (1 - 0.3 * np.square(hole.u)), _TEETH_SHARE * height)
    teeth = _soft(length - hole.below, 2.5 / mouth.unit) * (1 - min(1.0, 2 * mouth.teeth))
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
    return ramp(value, 0.0, width)
