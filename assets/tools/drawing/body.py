"""Neck, shoulders and clothes: a blazer over a light top."""

from __future__ import annotations

import numpy as np
from numpy import float32
from numpy.typing import NDArray

from assets.tools.drawing.brush import (
    HEIGHT,
    WIDTH,
    Picture,
    X,
    Y,
    blurred,
    bump,
    colour,
    filled,
    lit,
    mirrored,
    noise,
    painted,
    ramp,
    spline,
    stroked,
)
from assets.tools.drawing.face import AXIS, SKIN, Layer

_NECK = [
    (540, 960),
    (440, 960),
    (436, 1060),
    (426, 1140),
    (392, 1200),
    (330, 1260),
    (300, 1330),
    (300, 1700),
    (540, 1700),
]
_TOP = [
    (540, 1392),
    (500, 1384),
    (462, 1340),
    (424, 1270),
    (402, 1226),
    (388, 1300),
    (330, 1480),
    (330, 1925),
    (540, 1925),
]
_BLAZER = [
    (406, 1196),
    (324, 1232),
    (196, 1286),
    (98, 1352),
    (48, 1460),
    (8, 1640),
    (-10, 1800),
    (-10, 1930),
    (492, 1930),
    (470, 1760),
    (432, 1560),
    (404, 1390),
    (397, 1280),
]
_LAPEL = [
    (406, 1196),
    (372, 1224),
    (318, 1316),
    (296, 1420),
    (352, 1444),
    (330, 1474),
    (410, 1640),
    (486, 1900),
    (474, 1760),
    (436, 1560),
    (406, 1390),
    (397, 1280),
]


def body() -> Layer:
    """Everything below the chin."""
    skin, skin_mask = _neck()
    rgb = _with_top(skin)
    alpha = np.maximum(skin_mask, _mask(_TOP, both=True))
    for side in (-1, 1):
        mask = filled(spline(_sided(_BLAZER, side), closed=True), 1.0)
        rgb = painted(rgb, np.zeros_like(rgb), 0.45 * blurred(mask, 12) * (1 - mask))
        rgb = painted(rgb, _cloth(side), mask)
        rgb = _with_lapel(rgb, side)
        alpha = np.maximum(alpha, mask)
    return Layer(rgb, alpha, np.zeros_like(alpha))


def _sided(points: list[tuple[float, float]], side: int) -> list[tuple[float, float]]:
    return [(x if side < 0 else 2 * AXIS - x, y) for x, y in points]


def _mask(points: list[tuple[float, float]], *, both: bool) -> Picture:
    return filled(spline(mirrored(points, AXIS) if both else points, closed=True), 1.0)


def _neck() -> tuple[Picture, Picture]:
    mask = _mask(_NECK, both=True)
    half = np.interp(Y[:, 0], (960, 1120, 1210, 1300), (108, 118, 200, 420)).astype(float32)[:, None]
    relief = 105 * np.sqrt(np.clip(1 - np.square((X - AXIS) / (half * 1.08)), 0.05, 1))
    for side in (-1, 1):
        relief += 7 * bump(AXIS + side * 60, 1145, 13, 90, side * 0.42)  # the muscle from ear to breastbone
        relief += 9 * bump(AXIS + side * 118, 1282, 86, 10, side * -0.12)  # collarbone
        relief -= 6 * bump(AXIS + side * 96, 1252, 50, 14, side * -0.2)
    relief -= 9 * bump(AXIS, 1270, 20, 18)
    jaw = ramp(Y - 0.10 * np.abs(X - AXIS - 26), 1190, 1050)  # shadow that the chin throws
    shaded = lit(
        np.asarray(np.broadcast_to(SKIN, (HEIGHT, WIDTH, 3)) * (1 + 0.01 * noise(5, 9))[..., None], float32),
        blurred(relief.astype(float32), 8),
        0.04,
        0.85 * jaw,
    )
    return painted(shaded, colour("#6d3a2c"), 0.42 * jaw), mask


def _with_top(rgb: Picture) -> Picture:
    mask = _mask(_TOP, both=True)
    folds = 26 * noise(31, 120) * ramp(Y, 1330, 1600) + 2.2 * noise(32, 26)
    relief = 60 * np.exp(-0.5 * np.square((X - AXIS) / 190)) + blurred(folds.astype(float32), 9)
    cloth = lit(np.broadcast_to(colour("#e9e2d6"), (HEIGHT, WIDTH, 3)), relief.astype(float32))
    rgb = painted(rgb, colour("#5e3226"), 0.40 * np.asarray(blurred(mask, 9), float32) * (1 - mask))
    rgb = painted(rgb, cloth, mask)
    hem = spline(
        [
            (402, 1226),
            (424, 1270),
            (462, 1340),
            (500, 1384),
            (540, 1392),
            (580, 1384),
            (618, 1340),
            (656, 1270),
            (678, 1226),
        ]
    )
    return painted(rgb, colour("#b9ae9f"), 0.7 * stroked(hem + np.array((0, 7), float32), (2, 2, 2), 1.0))


def _cloth(side: int) -> Picture:
    """The blazer's wool: a rounded chest and shoulder, long soft folds, a fine weave."""
    chest = AXIS + side * 200
    relief = 120 * np.exp(-0.5 * np.square((X - chest) / 170)) + 46 * bump(AXIS + side * 330, 1420, 120, 120)
    folds = 9 * noise(40 + side, 90) + 14 * bump(AXIS + side * 380, 1600, 14, 190, side * 0.22)
    relief = relief + blurred(folds.astype(float32), 14) - 10 * bump(AXIS + side * 352, 1640, 10, 240, side * 0.16)
    weave = 1 + 0.030 * noise(50, 2.2) + 0.02 * np.sin((X + Y) * 1.4)
    wool = colour("#2c4257") * weave[..., None]
    shaded = lit(np.asarray(wool, float32), blurred(relief.astype(float32), 10))
    return np.asarray(shaded * (1.12 - 0.30 * ramp(Y, 1300, 1920))[..., None], float32)


def _with_lapel(rgb: Picture, side: int) -> Picture:
    mask = filled(_straight(_sided(_LAPEL, side)), 0.9)
    shadow = np.roll(blurred(mask, 7), (8, 5 * side), axis=(0, 1)) * (1 - mask)
    rgb = painted(rgb, colour("#0b131b"), 0.55 * shadow)
    return painted(rgb, np.asarray(_cloth(side) * 1.14 + 0.008, float32), mask)


def _straight(points: list[tuple[float, float]]) -> NDArray[float32]:
    return np.array(points, float32)
