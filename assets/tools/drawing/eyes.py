"""The eyes: ball, iris, lids and lashes, drawn anew for every opening of the lids."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy import float32
from numpy.typing import NDArray

from assets.tools.drawing.brush import (
    HEIGHT,
    WIDTH,
    Picture,
    Points,
    X,
    Y,
    blurred,
    bump,
    colour,
    filled,
    fixed_point,
    painted,
    ramp,
    spline,
    stroked,
)
from assets.tools.drawing.face import AXIS, EYE_APART, EYES_Y

_IRIS, _PUPIL = 19.5, 8.5
# Of the eye on the left of the picture, from its middle: outer corner first.
_UPPER = [(-47, 3), (-35, -11), (-16, -20), (4, -21), (24, -13), (38, 3), (44, 8)]
_LOWER = [(-47, 3), (-33, 10), (-12, 14), (10, 14.5), (29, 11), (44, 8)]
_CREASE = [(-54, -6), (-38, -22), (-14, -32), (8, -32), (28, -23), (40, -10)]


def with_eyes(rgb: Picture, closed: float) -> Picture:
    """`rgb` with both eyes, their lids `closed` from 0 (open) to 1."""
    for side in (-1, 1):
        rgb = _with_eye(rgb, side, closed)
    return rgb


def _with_eye(rgb: Picture, side: int, closed: float) -> Picture:
    lower = _placed([(x, y + 2.5 * closed) for x, y in _LOWER], side)
    # A closing lid sinks on to the lower one; its edge keeps the lower one's curve at the end.
    rest = np.interp([x for x, _ in _UPPER], [x for x, _ in _LOWER], [y for _, y in _LOWER])
    upper = _placed([(x, y + closed * (low + 1.5 - y)) for (x, y), low in zip(_UPPER, rest, strict=True)], side)
    opening = filled(np.vstack([upper, lower[::-1]]), 0.9) if closed < 0.97 else np.zeros_like(X)
    rgb = _with_lid(rgb, side, closed)
    rgb = painted(rgb, _ball(side, closed), opening)
    rgb = painted(
        rgb, colour("#c98d7c"), 0.8 * stroked(lower + np.array((0, 1), float32), (1, 2.5, 3), 0.9) * (1 - 0.5 * closed)
    )
    rgb = painted(rgb, colour("#6b4136"), 0.6 * stroked(lower + np.array((0, 2.5), float32), (3.5, 1.5, 1), 1.0))
    rgb = painted(rgb, colour("#1d1210"), 0.95 * stroked(upper + np.array((0, -0.5), float32), (5.5, 5.0, 2.5), 0.8))
    return painted(rgb, colour("#1a100e"), 0.9 * _lashes(upper, side, closed))


def _with_lid(rgb: Picture, side: int, closed: float) -> Picture:
    crease = _placed([(x, y + 7 * closed) for x, y in _CREASE], side)
    rgb = painted(rgb, colour("#8a5443"), (0.55 - 0.2 * closed) * stroked(crease, (1.5, 3.5, 1.5), 1.5))
    rgb = painted(rgb, colour("#a56a55"), 0.30 * stroked(crease + np.array((0, 6), float32), (3, 11, 4), 4.0))
    lid = filled(np.vstack([crease, _placed(_LOWER, side)[::-1]]), 4.0)
    rgb = painted(rgb, colour("#d79c80"), 0.55 * lid * closed)
    return rgb + (0.10 * closed * bump(AXIS + side * EYE_APART - 6, EYES_Y - 8, 20, 6))[..., None].astype(float32)


@cache
def _open_ball(side: int) -> Picture:
    x, y = AXIS + side * EYE_APART, EYES_Y - 2
    right, down = X - x, Y - y
    away = np.hypot(right, down)
    white = np.broadcast_to(colour("#ece4df"), (HEIGHT, WIDTH, 3)) * (1 - 0.25 * ramp(np.abs(right), 18, 46))[..., None]
    white = painted(white.astype(float32), colour("#c9867b"), 0.5 * bump(x - side * 38, EYES_Y + 7, 5, 4))
    return painted(white, _iris(right, down, away), 1 - ramp(away, _IRIS - 1.2, _IRIS + 0.8))


def _iris(right: Picture, down: Picture, away: Picture) -> Picture:
    angle = np.arctan2(down, right)
    spokes = 0.5 + 0.5 * np.sin(angle * 31 + 2.5 * np.sin(angle * 7)) * np.sin(angle * 17 + 1.3)
    ring = ramp(away, 6, _IRIS)
    rgb = painted(np.broadcast_to(colour("#8a5a34"), (*X.shape, 3)), colour("#4a2c1a"), ring)
    rgb = rgb * (0.85 + 0.35 * spokes * (1 - ring))[..., None]
    rgb = rgb + (0.20 * np.exp(-0.5 * (np.square((right - 5) / 8) + np.square((down - 8) / 6))))[..., None]
    rgb = painted(rgb.astype(float32), colour("#20120c"), ramp(away, _IRIS - 4, _IRIS))
    return painted(rgb, colour("#0b0706"), 1 - ramp(away, _PUPIL - 1, _PUPIL + 1))


def _ball(side: int, closed: float) -> Picture:
    """The eyeball under the shadow of the upper lid, with the reflections of lamp and window."""
    x = AXIS + side * EYE_APART
    ball = _open_ball(side)
    lid = EYES_Y - 18 + 28 * closed
    ball = ball * (1 - 0.55 * (1 - ramp(Y, lid - 2, lid + 15)))[..., None]
    glints = 0.95 * bump(x - 7, EYES_Y - 9, 3.0, 3.4) + 0.35 * bump(x + 8, EYES_Y + 6, 3.5, 2.5)
    return np.asarray(ball + (glints * (1 - closed))[..., None], float32)


def _lashes(upper: NDArray[float32], side: int, closed: float) -> Picture:
    random = np.random.default_rng(11)
    picture = np.zeros((HEIGHT, WIDTH), np.uint8)
    for _ in range(64):
        t = float(random.uniform(0.0, 0.92))
        root = upper[int(t * (len(upper) - 1))]
        length = random.uniform(0.7, 1.1) * (11 - 6 * t)
        lean = side * (0.9 - 1.1 * t)
        rise = -1.0 + 1.7 * closed
        tip = root + length * np.array([lean, rise])
        middle = root + length * 0.55 * np.array([lean * 0.6, rise * 0.9 + 0.25])
        lash = spline([tuple(root), tuple(middle), tuple(tip)], 6)
        cv2.polylines(picture, [fixed_point(lash)], False, int(random.integers(150, 255)), 1, cv2.LINE_AA, 4)
    return blurred(picture.astype(float32) / 255, 0.5)


def _placed(points: Points, side: int) -> NDArray[float32]:
    middle = AXIS + side * EYE_APART
    return spline([(middle - side * x, EYES_Y + y) for x, y in points])
