"""Moving a mouth: lips part or close, corners go in or out, the chin follows.

Every pixel of the result is fetched from where it was, so nothing tears; all motion fades to nothing inside the patch.
Lengths are those of `contour`: u along the mouth, v down in units of about half a mouth's width.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import cv2
import numpy as np
from numpy import float32, uint8
from numpy.typing import NDArray

from services.lipsync.engine import Box
from services.lipsync.warp.contour import Mouth, curve_at
from services.lipsync.warp.shape import MouthShape

_STEP = 4  # pixels between the points at which the motion is computed; it is smooth and interpolated between

_WIDEST, _LEAST = 0.56, 0.26  # gap of a mouth wide open; least that one opens further that is open already
_RAISED = 0.17  # share of an opening for which the upper lip goes up
_LOWERED = 0.35  # share of a closing for which it comes down
_JAW = 0.75  # drop of the chin relative to the lower lip's
_ROLLED = 0.25  # share of the lips' thickness that is rolled in when they are pressed together
_ROUND, _WIDE = 0.24, 0.09  # share that the mouth narrows or widens
_POUTING = 1.1  # how much narrower the opening of a rounded mouth is, as a power of its arch
_THROAT = 1.25  # below the chin: as far the skin is squeezed
_STRETCH_REACH = (1.9, 0.95, 1.4)  # of narrowing and widening: u, v up, v down


class Opening(NamedTuple):
    """The opening of a mouth in a shape at some u, all float32 of one shape; v of its edges, and of those before."""

    top: NDArray[float32]
    bottom: NDArray[float32]
    top_before: NDArray[float32]
    bottom_before: NDArray[float32]


def opening(mouth: Mouth, shape: MouthShape, u: NDArray[float32]) -> Opening:
    """The opening along the mouth; `u` as it was before the corners went in or out."""
    top, bottom = curve_at(mouth.top, u), curve_at(mouth.bottom, u)
    bottom = np.maximum(top, bottom)
    arch = np.maximum(0, 1 - u * u) ** (1 + _POUTING * max(0.0, -shape.width))
    wider = _wider(mouth, shape) * arch
    raised = _RAISED * (1 - min(1.0, 1.5 * mouth.teeth)) * wider  # teeth that show hang on to the upper lip
    shut = shape.closure * (bottom - top + wider)
    above = top - raised + _LOWERED * shut
    return Opening(above, np.maximum(above, bottom + wider - raised - (1 - _LOWERED) * shut), top, bottom)


def _wider(mouth: Mouth, shape: MouthShape) -> float:
    """How much higher the opening gets in the middle."""
    return shape.openness * max(_LEAST, _WIDEST * (1 - 0.1 * shape.width) - mouth.gap)


def open_mouth(crop: NDArray[uint8], box: Box, mouth: Mouth, shape: MouthShape) -> NDArray[uint8]:
    """`crop` with its skin moved so that `mouth` has `shape`; the opening itself is still to be painted.

    `crop`: uint8 RGB (height, width, 3), the pixels in `box`. The outermost pixels stay as they are.
    """
    x, y = (
        _STEP * np.arange(-(-length // _STEP), dtype=float32) + (_STEP - 1) / 2 for length in (box.width, box.height)
    )
    across, down = np.meshgrid(x, y)
    u, v = mouth.coordinates(across + np.float32(box.x), down + np.float32(box.y))
    from_u = narrowed(u, v, shape)
    hole = opening(mouth, shape, from_u)
    upper, lower = _upper_motion(from_u, v, hole, mouth, shape), _lower_motion(u, v, hole, mouth, shape)
    below = _finer(np.asarray(v - (hole.top + hole.bottom) / 2, float32), box) > 0
    moves = [
        np.where(below, _finer(low, box), _finer(high, box))
        for high, low in zip(mouth.offset(u, from_u - u, -upper), mouth.offset(u, from_u - u, -lower), strict=True)
    ]
    columns, rows = np.arange(box.width, dtype=float32), np.arange(box.height, dtype=float32)[:, None]
    moved = cv2.remap(crop, moves[0] + columns, moves[1] + rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return cast("NDArray[uint8]", moved)


def narrowed(u: NDArray[float32], v: NDArray[float32], shape: MouthShape) -> NDArray[float32]:
    """Where along the mouth something at (u, v) was before the corners went in or out."""
    aside, above, below = _STRETCH_REACH
    at_corner = (1 - 1 / aside**2) ** 2
    share = shape.width * (_WIDE if shape.width > 0 else _ROUND) / at_corner
    away = np.square(u / aside) + np.square(np.where(v < 0, v / above, v / below))
    near = np.square(np.maximum(0, 1 - away))
    return np.asarray(u * (1 - share * near), float32)


def _upper_motion(
    u: NDArray[float32], v: NDArray[float32], hole: Opening, mouth: Mouth, shape: MouthShape
) -> NDArray[float32]:
    above = hole.top - v
    moved = (hole.top - hole.top_before) * (1 - ramp(above, mouth.upper, hole.top_before - mouth.nose))
    return np.asarray(moved + _roll(u, above, mouth.upper, -mouth.nose, shape), float32)


def _lower_motion(
    u: NDArray[float32], v: NDArray[float32], hole: Opening, mouth: Mouth, shape: MouthShape
) -> NDArray[float32]:
    below = v - hole.bottom
    drop = _wider(mouth, shape) * (1 - shape.closure) - (1 - _LOWERED) * shape.closure * max(0.0, mouth.gap)
    reach = np.where(u < 0, mouth.reach[0], mouth.reach[1]).astype(float32)
    chin = _JAW * drop * np.square(np.maximum(0, 1 - np.square(u / reach)))
    lip = 1 - ramp(below, mouth.lower, mouth.lower + 0.6 * (mouth.chin - mouth.lower))
    moved = (hole.bottom - hole.bottom_before) * lip + chin * (1 - lip)
    end = mouth.chin + _JAW * drop
    moved = moved * (1 - ramp(v, end, end + _THROAT))
    return np.asarray(moved - _roll(u, below, mouth.lower, mouth.chin, shape), float32)


def _roll(
    u: NDArray[float32], away: NDArray[float32], thickness: float, reach: float, shape: MouthShape
) -> NDArray[float32]:
    """How far lips that are pressed together move inwards, `away` from where they meet."""
    most = _ROLLED * shape.closure * thickness * np.maximum(0, 1 - np.square(u / 1.2))
    return np.asarray(most * ramp(away, 0, thickness) * (1 - ramp(away, thickness, max(reach, 2 * thickness))), float32)


def ramp(value: NDArray[float32], start: float, end: NDArray[float32] | float) -> NDArray[float32]:
    """0 up to `start`, 1 from `end`, smooth between (the cubic smoothstep)."""
    t = np.clip((value - start) / np.maximum(1e-3, np.asarray(end) - start), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), float32)


def _finer(values: NDArray[float32], box: Box) -> NDArray[float32]:
    """Values every _STEP pixels interpolated to every pixel of the box."""
    rows, columns = values.shape
    fine = cv2.resize(values, (columns * _STEP, rows * _STEP), interpolation=cv2.INTER_LINEAR)
    return cast("NDArray[float32]", fine[: box.height, : box.width])
