"""A mouth in a picture, and opening it: lips part, jaw and chin go down, the corners go in or out.

Lengths are in half mouth widths: u runs along the line between the lips (corners at -1 and 1), v down from it.
Every pixel of the result is fetched from where it was, so nothing tears; all motion fades to nothing inside the patch.
"""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass
from typing import NamedTuple, cast

import cv2
import numpy as np
from numpy import float32, float64, uint8
from numpy.typing import NDArray

from services.lipsync.engine import Box
from services.lipsync.warp.openness import MouthShape

_LEFT, _TOP, _RIGHT, _BOTTOM = -2.0, -1.0, 2.0, 3.1  # edges of the patch
_STEP = 4  # pixels between the points at which the motion is computed; it is smooth and interpolated between

_DROP, _RAISE = 0.44, 0.09  # how far the lower and upper lip move, wide open
_SMILING = 0.35  # share of the drop that a smile with all teeth has used up
_JAW = 0.75  # drop of the chin relative to the lower lip's
_ROUND, _WIDE = 0.15, 0.08  # share that the mouth narrows or widens
_JAW_REACH = 1.95  # sideways
_LIP = 0.35  # thickness of the lower lip, which moves as one
_CHIN, _THROAT = 1.75, 3.0  # the chin moves as one; the throat below it is squeezed
_UPPER_LIP = 0.65  # from the line to the nose
_STRETCH_REACH = (1.9, 0.95, 1.4)  # of narrowing and widening: sideways, up, down


class Aperture(NamedTuple):
    """The opening at some points, all float32 of one shape: along the mouth, below the upper and above the lower lip.

    `u` is -1 and 1 at the corners however wide the mouth is; `below` and `above` are positive inside.
    """

    u: NDArray[float32]
    below: NDArray[float32]
    above: NDArray[float32]


@dataclass(frozen=True)
class Mouth:
    """Middle of the line between the lips and half its length in pixels, its angle in radians, its bend.

    The line is v = bend u^2. `teeth`: share of the mouth that shows teeth when it is not opened.
    """

    x: float
    y: float
    half_width: float
    angle: float
    bend: float
    teeth: float

    def as_row(self) -> tuple[float, ...]:
        """All values in order."""
        return astuple(self)

    def moved(self, matrix: NDArray[float64], scale: float) -> Mouth:
        """The mouth after a similarity (2, 3) in a picture `scale` times as large."""
        x, y = matrix[:, :2] @ (self.x, self.y) + matrix[:, 2] / scale
        zoom = float(np.hypot(matrix[0, 0], matrix[1, 0]))
        turn = float(np.arctan2(matrix[1, 0], matrix[0, 0]))
        return Mouth(float(x), float(y), self.half_width * zoom, self.angle + turn, self.bend, self.teeth)

    def patch_box(self, width: int, height: int) -> Box:
        """The pixels that opening may change, with even edges, inside a picture of `width` x `height`."""
        return self.box(_LEFT, _TOP, _RIGHT, _BOTTOM, width, height)

    def box(self, left: float, top: float, right: float, bottom: float, width: int, height: int) -> Box:
        """Smallest even box around a rectangle in (u, v), inside a picture of `width` x `height`."""
        corners = np.array([(u, v) for u in (left, right) for v in (top, bottom)]) * self.half_width
        x, y = (corners @ np.array(self._axes()) + (self.x, self.y)).T
        x0, y0 = _even_inside(x.min(), width), _even_inside(y.min(), height)
        x1, y1 = _even_inside(x.max() + 2, width), _even_inside(y.max() + 2, height)
        return Box(x0, y0, x1 - x0, y1 - y0)

    def coordinates(self, x: NDArray[float32], y: NDArray[float32]) -> tuple[NDArray[float32], NDArray[float32]]:
        """(u, v) of pixels; v counts from the straight line through the middle, not from the bent line."""
        away_x, away_y = (x - self.x) / self.half_width, (y - self.y) / self.half_width
        (along_x, along_y), (down_x, down_y) = self._axes()
        u, v = away_x * along_x + away_y * along_y, away_x * down_x + away_y * down_y
        return np.asarray(u, float32), np.asarray(v, float32)

    def line(self, u: NDArray[float32]) -> NDArray[float32]:
        """The line between the lips, v at `u`; level beyond the corners."""
        return np.asarray(self.bend * np.minimum(np.square(u), 1.2), float32)

    def offset(self, along: NDArray[float32], down: NDArray[float32]) -> tuple[NDArray[float32], NDArray[float32]]:
        """A move in (u, v) as a move in pixels."""
        (along_x, along_y), (down_x, down_y) = self._axes()
        along, down = along * self.half_width, down * self.half_width
        return (
            np.asarray(along * along_x + down * down_x, float32),
            np.asarray(along * along_y + down * down_y, float32),
        )

    def _axes(self) -> tuple[tuple[float, float], tuple[float, float]]:
        cosine, sine = math.cos(self.angle), math.sin(self.angle)
        return (cosine, sine), (-sine, cosine)


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
    flat = v - mouth.line(u)
    upper, lower = _upper_motion(from_u, flat, mouth, shape), _lower_motion(u, from_u, flat, mouth, shape)
    lower *= 1 - _ramp(v, _CHIN + _JAW * drop(mouth, shape), _THROAT)
    bend = mouth.line(from_u) - mouth.line(u)
    cut = _edges(from_u, mouth, shape)
    below = _finer(np.asarray(flat - (cut[0] + cut[1]) / 2, float32), box) > 0
    moves = [
        np.where(below, _finer(low, box), _finer(high, box))
        for high, low in zip(
            mouth.offset(from_u - u, bend - upper), mouth.offset(from_u - u, bend - lower), strict=True
        )
    ]
    columns, rows = np.arange(box.width, dtype=float32), np.arange(box.height, dtype=float32)[:, None]
    moved = cv2.remap(crop, moves[0] + columns, moves[1] + rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return cast("NDArray[uint8]", moved)


def aperture(x: NDArray[float32], y: NDArray[float32], mouth: Mouth, shape: MouthShape) -> Aperture:
    """Where pixels lie in the opening of `mouth` when it has `shape`."""
    u, v = mouth.coordinates(x, y)
    from_u = narrowed(u, v, shape)
    top, bottom = _edges(from_u, mouth, shape)
    flat = v - mouth.line(u)
    return Aperture(from_u, flat - top, bottom - flat)


def edge_heights(mouth: Mouth, shape: MouthShape) -> tuple[float, float]:
    """Highest and lowest v that the opening reaches."""
    u = np.linspace(-1, 1, 9, dtype=float32)
    top, bottom = (mouth.line(u) + edge for edge in _edges(u, mouth, shape))
    return float(top.min()), float(bottom.max())


def narrowed(u: NDArray[float32], v: NDArray[float32], shape: MouthShape) -> NDArray[float32]:
    """Where along the mouth something at (u, v) was before the corners went in or out."""
    aside, above, below = _STRETCH_REACH
    at_corner = (1 - 1 / aside**2) ** 2
    share = shape.spread * (_WIDE if shape.spread > 0 else _ROUND) / at_corner
    away = np.square(u / aside) + np.square(np.where(v < 0, v / above, v / below))
    near = np.square(np.maximum(0, 1 - away))
    return np.asarray(u * (1 - share * near), float32)


def drop(mouth: Mouth, shape: MouthShape) -> float:
    """How far the lower lip goes down in the middle; less where it already hangs below the teeth."""
    return _DROP * shape.opening * (1 - 0.1 * shape.spread) * (1 - _SMILING * mouth.teeth)


def _edges(u: NDArray[float32], mouth: Mouth, shape: MouthShape) -> tuple[NDArray[float32], NDArray[float32]]:
    """Lower edge of the upper lip and upper edge of the lower lip."""
    arch = np.maximum(0, 1 - np.square(u))
    raised = _RAISE * shape.opening * (1 - min(1.0, 2 * mouth.teeth))  # teeth that show hang on to the upper lip
    return np.asarray(-raised * arch, float32), np.asarray(drop(mouth, shape) * arch, float32)


def _upper_motion(u: NDArray[float32], v: NDArray[float32], mouth: Mouth, shape: MouthShape) -> NDArray[float32]:
    edge, _ = _edges(u, mouth, shape)
    return edge * (1 - _ramp(edge - v, 0.15, _UPPER_LIP))


def _lower_motion(
    u: NDArray[float32], from_u: NDArray[float32], v: NDArray[float32], mouth: Mouth, shape: MouthShape
) -> NDArray[float32]:
    _, edge = _edges(from_u, mouth, shape)
    jaw = _JAW * drop(mouth, shape)
    chin = jaw * np.square(np.maximum(0, 1 - np.square(u / _JAW_REACH)))
    lip = 1 - _ramp(v - edge, _LIP, 1.0)
    return np.asarray(edge * lip + chin * (1 - lip), float32)


def _ramp(value: NDArray[float32], start: float, end: float) -> NDArray[float32]:
    """0 up to `start`, 1 from `end`, smooth between (the cubic smoothstep)."""
    t = np.clip((value - start) / (end - start), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), float32)


def _finer(values: NDArray[float32], box: Box) -> NDArray[float32]:
    """Values every _STEP pixels interpolated to every pixel of the box."""
    rows, columns = values.shape
    fine = cv2.resize(values, (columns * _STEP, rows * _STEP), interpolation=cv2.INTER_LINEAR)
    return cast("NDArray[float32]", fine[: box.height, : box.width])


def _even_inside(value: float, limit: int) -> int:
    return int(np.clip(int(value) // 2 * 2, 0, limit // 2 * 2))
