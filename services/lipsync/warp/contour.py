"""Where a mouth is and how its lips run, from the points of a face's mesh.

Positions are (u, v): u along the line through the corners of the opening, which lie at -1 and 1 however the head is
turned; v down from it, in units of a fifth of the face, about half a mouth's width. A lip's edge is the curve
(1 - u^2) (a + b u + c u^2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy import float32, float64
from numpy.typing import NDArray

from services.faces.mesh import Face
from services.faces.points import CHIN, JAW, LIPS_INNER, LIPS_OUTER, NOSE_BASE
from services.lipsync.engine import Box

MOUTH_POINTS = (*LIPS_OUTER, *LIPS_INNER, NOSE_BASE, CHIN, *JAW)
"""Of the mesh: what a mouth is made from."""

UNIT = 0.2  # of the face's size
CLOSED = 0.07
"""Units: the mesh never quite closes lips."""

_RING = len(LIPS_OUTER)
_CORNERS = _RING, _RING + _RING // 2  # places of the corners of the opening
_PATCH_ASIDE, _PATCH_ABOVE, _PATCH_BELOW = 1.95, -1.0, 1.75  # of the patch, at least: u, v; v below the chin
_SPOKEN = (-1.15, -0.5, 1.15, 0.9)  # where a speaking mouth's lips go: left, top, right, bottom

Curve = tuple[float, float, float]


@dataclass(frozen=True)
class Lips:
    """What the pixels tell more exactly than the mesh, in units: None is what they do not tell.

    `line`: how far the line between closed lips lies below the mesh's, a curve. `floor`: how far the lower edge of an
    opening does. `teeth`: share of that opening, from above, that shows teeth, 0 to 1.
    """

    line: Curve | None = None
    floor: Curve | None = None
    teeth: float | None = None

    def as_row(self) -> tuple[float, ...]:
        """All values in order, nan for None."""
        unknown = (math.nan,) * 3
        return *(self.line or unknown), *(self.floor or unknown), math.nan if self.teeth is None else self.teeth

    @classmethod
    def of_row(cls, row: NDArray[float64]) -> Self:
        """From what `as_row` gave."""
        first, second, third, fourth, fifth, sixth, teeth = (float(value) for value in row)
        line = None if math.isnan(first) else (first, second, third)
        floor = None if math.isnan(fourth) else (fourth, fifth, sixth)
        return cls(line, floor, None if math.isnan(teeth) else teeth)


@dataclass(frozen=True)
class Mouth:
    """A mouth in a picture: (x, y) is u = v = 0, `angle` in radians, `left`, `right` and `unit` in pixels.

    `top` and `bottom` are the edges of the opening, alike where the footage shows closed lips. `upper` and `lower` are
    the thickness of the lips, `nose` and `chin` where those lie, in units; `reach` is where the jaw ends on either
    side, in u.
    """

    x: float
    y: float
    angle: float
    left: float
    right: float
    unit: float
    top: Curve
    bottom: Curve
    upper: float
    lower: float
    nose: float
    chin: float
    reach: tuple[float, float]
    teeth: float = 0.0

    @classmethod
    def of(cls, points: NDArray[float64], size: float, lips: Lips = Lips()) -> Self:
        """From `points` (MOUTH_POINTS, 2) in pixels of a face of `size` pixels."""
        corners = points[list(_CORNERS)]
        along = corners[1] - corners[0]
        angle, unit = math.atan2(along[1], along[0]), UNIT * size
        axes = np.array(((math.cos(angle), math.sin(angle)), (-math.sin(angle), math.cos(angle))))
        inner = points[_RING : 2 * _RING]
        middle = float((inner[[5, 15]].mean(axis=0) - corners[0]) @ axes[0])
        middle = float(np.clip(middle, 0.1 * np.linalg.norm(along), 0.9 * np.linalg.norm(along)))
        origin = corners[0] + middle * axes[0]
        left, right = middle, float(np.linalg.norm(along)) - middle
        placed = (points - origin) @ axes.T
        u = np.where(placed[:, 0] < 0, placed[:, 0] / left, placed[:, 0] / right)
        v = placed[:, 1] / unit
        top, bottom = (fitted_curve(u[ring], v[ring]) for ring in (_upper_half(_RING), _lower_half(_RING)))
        above, below = (fitted_curve(u[ring], v[ring]) for ring in (_upper_half(0), _lower_half(0)))
        nose, chin, jaw_left, jaw_right = 2 * _RING + np.arange(4)
        top, bottom = _meeting(top, bottom, lips)
        return cls(
            x=float(origin[0]),
            y=float(origin[1]),
            angle=angle,
            left=left,
            right=right,
            unit=unit,
            top=top,
            bottom=bottom,
            upper=max(0.1, top[0] - above[0]),
            lower=max(0.1, below[0] - bottom[0]),
            nose=min(float(v[nose]), top[0] - 0.3),
            chin=max(float(v[chin]), bottom[0] + 0.6),
            reach=(max(1.4, -float(u[jaw_left])), max(1.4, float(u[jaw_right]))),
            teeth=lips.teeth or 0.0,
        )

    @property
    def gap(self) -> float:
        """Height of the opening in the middle, in units."""
        return self.bottom[0] - self.top[0]

    def patch_box(self, width: int, height: int) -> Box:
        """The pixels that opening may change, with even edges, inside a picture of `width` x `height`."""
        left, right = (max(_PATCH_ASIDE, reach) + 0.1 for reach in self.reach)
        area = -left, min(_PATCH_ABOVE, self.nose - 0.25), right, self.chin + _PATCH_BELOW
        return self.box(area, width, height)

    def spoken_box(self, width: int, height: int) -> Box:
        """Where the lips go while it speaks."""
        return self.box(_SPOKEN, width, height)

    def box(self, area: tuple[float, float, float, float], width: int, height: int) -> Box:
        """Smallest even box around left, top, right and bottom in (u, v), inside a picture of `width` x `height`."""
        left, top, right, bottom = area
        corners = np.array([(u, v) for u in (left, right) for v in (top, bottom)], float32)
        away_x, away_y = self.offset(corners[:, 0], corners[:, 0], corners[:, 1])
        x, y = away_x + self.x, away_y + self.y
        x0, y0 = _even_inside(float(x.min()), width), _even_inside(float(y.min()), height)
        x1, y1 = _even_inside(float(x.max()) + 2, width), _even_inside(float(y.max()) + 2, height)
        return Box(x0, y0, x1 - x0, y1 - y0)

    def coordinates(self, x: NDArray[float32], y: NDArray[float32]) -> tuple[NDArray[float32], NDArray[float32]]:
        """(u, v) of pixels."""
        cosine, sine = math.cos(self.angle), math.sin(self.angle)
        along = (x - self.x) * cosine + (y - self.y) * sine
        down = (y - self.y) * cosine - (x - self.x) * sine
        u = np.where(along < 0, along / self.left, along / self.right)
        return np.asarray(u, float32), np.asarray(down / self.unit, float32)

    def offset(
        self, u: NDArray[float32], along: NDArray[float32], down: NDArray[float32]
    ) -> tuple[NDArray[float32], NDArray[float32]]:
        """A move in (u, v), on the side of the mouth where `u` lies, as a move in pixels."""
        cosine, sine = math.cos(self.angle), math.sin(self.angle)
        along, down = along * np.where(u < 0, self.left, self.right), down * self.unit
        return np.asarray(along * cosine - down * sine, float32), np.asarray(along * sine + down * cosine, float32)


def mouth_points(face: Face) -> NDArray[float64]:
    """MOUTH_POINTS of a face, (44, 2)."""
    return np.asarray(face.points[list(MOUTH_POINTS), :2])


def curve_at(curve: Curve, u: NDArray[float32]) -> NDArray[float32]:
    """V of an edge at `u`; level beyond the corners."""
    first, second, third = curve
    return np.asarray(np.maximum(0, 1 - u * u) * (first + second * u + third * u * u), float32)


def _upper_half(ring: int) -> list[int]:
    return [ring + place for place in range(_RING // 2 + 1)]


def _lower_half(ring: int) -> list[int]:
    return [*range(ring + _RING // 2, ring + _RING), ring]


def fitted_curve(u: NDArray[float64], v: NDArray[float64], weights: NDArray[float64] | None = None) -> Curve:
    """The curve nearest to points."""
    arch = np.maximum(0, 1 - u * u)
    strength = np.ones_like(u) if weights is None else np.sqrt(weights)
    terms = np.stack((arch, arch * u, arch * u * u), axis=1) * strength[:, None]
    # A little damping, because few points of a turned mouth do not determine three numbers.
    first, second, third = np.linalg.solve(terms.T @ terms + np.diag((1e-6, 0.02, 0.02)), terms.T @ (v * strength))
    return float(first), float(second), float(third)


def _meeting(top: Curve, bottom: Curve, lips: Lips) -> tuple[Curve, Curve]:
    """Both edges of the opening; the line between the lips for both where it is closed."""
    closed = float(np.clip(2 - (bottom[0] - top[0]) / CLOSED, 0, 1))
    upper, lower, line, floor = (np.array(curve or (0.0, 0.0, 0.0)) for curve in (top, bottom, lips.line, lips.floor))
    middle = (upper + lower) / 2 + line
    first, second = closed * middle + (1 - closed) * upper, closed * middle + (1 - closed) * (lower + floor)
    return _as_curve(first), _as_curve(second)


def _as_curve(values: NDArray[float64]) -> Curve:
    first, second, third = (float(value) for value in values)
    return first, second, third


def _even_inside(value: float, limit: int) -> int:
    return int(np.clip(int(value) // 2 * 2, 0, limit // 2 * 2))
