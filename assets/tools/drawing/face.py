"""The face: a height field of skull, brow, nose, cheeks, lips and chin under skin, with brows and lips painted on."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy import float32

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
    fixed_point,
    lit,
    mirrored,
    noise,
    painted,
    ramp,
    spline,
    stroked,
)

AXIS = 540.0
EYES_Y, EYE_APART = 742.0, 85.0  # the eyes lie at AXIS -/+ EYE_APART
MOUTH_Y = 930.0
SKIN = colour("#eab692")

_SIDE = [
    (540, 478),
    (448, 500),
    (384, 580),
    (364, 690),
    (365, 780),
    (372, 856),
    (392, 932),
    (430, 1000),
    (486, 1044),
    (540, 1057),
]
_UPPER_LIP = [
    (464, 922),
    (490, 917),
    (516, 909),
    (530, 908),
    (540, 912),
    (550, 908),
    (564, 909),
    (590, 917),
    (616, 922),
]
_LINE = [(464, 922), (490, 929), (516, 932), (540, 935), (564, 932), (590, 929), (616, 922)]
_LOWER_LIP = [(616, 922), (594, 944), (567, 957), (540, 960), (513, 957), (486, 944), (464, 922)]
_BROW = [(408, 696), (430, 682), (458, 675), (486, 681), (513, 691)]


class Layer(NamedTuple):
    """Something to lay over what is behind it: colours, how much they cover, how near they are in pixels."""

    rgb: Picture
    alpha: Picture
    depth: Picture


@cache
def outline() -> Picture:
    """Mask of the face."""
    return filled(spline(mirrored(_SIDE, AXIS), closed=True), 1.0)


@cache
def height() -> Picture:
    """Height field of the face in pixels, towards the camera."""
    side = np.array(_SIDE, float32)
    half_width = np.interp(Y[:, 0], side[1:-1, 1], AXIS - side[1:-1, 0]).astype(float32)[:, None]
    half_width = cv2.GaussianBlur(half_width, (1, 0), sigmaX=0.1, sigmaY=40)
    across = np.square((X - AXIS) / (half_width * 1.06))
    skull = 150 * np.sqrt(np.clip(1 - across, 0.02, 1)) * np.sqrt(np.clip(1 - np.abs((Y - 740) / 345) ** 3, 0.05, 1))
    return np.asarray(blurred(skull.astype(float32), 5) + _features(), float32)


def _features() -> Picture:
    field = np.zeros((HEIGHT, WIDTH), float32)
    for side in (-1, 1):
        eye, cheek = AXIS + side * EYE_APART, AXIS + side * 112
        field -= 15 * bump(eye, EYES_Y + 2, 40, 26) + 5 * bump(AXIS + side * 44, EYES_Y - 4, 14, 22)
        field += 6.5 * bump(eye, EYES_Y, 30, 15)  # the eyeball under its lids
        field += 6 * bump(AXIS + side * 74, 690, 52, 15, side * 0.08)
        field += 15 * bump(cheek, 834, 50, 36, side * -0.4)
        field += 14 * bump(AXIS + side * 29, 862, 12, 11)  # wings of the nose
        field -= 4 * bump(AXIS + side * 44, 872, 9, 14, side * -0.5)
        field -= 3.5 * bump(AXIS + side * 72, 896, 7, 34, side * -0.55)  # from nose to mouth
        field -= 4 * bump(AXIS + side * 84, 924, 8, 12)
        field += 5 * bump(AXIS + side * 100, 918, 16, 26, side * -0.4)
    return field + _nose() + _mouth_relief()


def _nose() -> Picture:
    down = np.clip((Y - 690) / 165, 0, 1)
    ridge = np.exp(-0.5 * np.square((X - AXIS) / (17 + 4 * down))) * (10 + 20 * down**1.5)
    ridge *= ramp(Y, 655, 720) * ramp(Y, 902, 854)
    return np.asarray(blurred(ridge.astype(float32), 3) + 19 * bump(AXIS, 851, 19, 16), float32)


def _mouth_relief() -> Picture:
    relief = 4.5 * bump(AXIS, 920, 46, 9) + 7 * bump(AXIS, 948, 38, 10) - 3 * bump(AXIS, 933, 38, 4)
    relief += -5 * bump(AXIS, 975, 46, 9) + 13 * bump(AXIS, 1016, 44, 24)
    return np.asarray(relief - 2 * bump(AXIS, 893, 6, 12) + 2 * bump(AXIS, 905, 70, 40), float32)


def skin() -> Picture:
    """Colour of the skin before it is lit: warmer on cheeks and nose, with fine uneven tone."""
    tone = np.broadcast_to(SKIN, (HEIGHT, WIDTH, 3)).copy()
    blush = sum((0.55 * bump(AXIS + side * 118, 850, 46, 36) for side in (-1, 1)), 0.3 * bump(AXIS, 855, 26, 20))
    tone = painted(tone, colour("#dd7f66"), 0.55 * np.asarray(blush, float32))
    shade = sum((0.35 * bump(AXIS + side * EYE_APART, EYES_Y + 6, 44, 24) for side in (-1, 1)), np.zeros_like(X))
    tone = painted(tone, colour("#b5735c"), np.asarray(shade, float32))
    return np.asarray(tone * (1 + 0.010 * noise(1, 5) + 0.008 * noise(2, 26))[..., None], float32)


@cache
def head() -> Layer:
    """The face without eyes and hair."""
    relief = height()
    shadow = np.clip(_nose_shadow() + 0.55 * _under_lip(), 0, 1)
    gloss = 0.10 + 0.10 * bump(AXIS, 848, 14, 12) + 0.05 * bump(AXIS, 600, 90, 50)
    rgb = lit(skin(), relief, gloss, shadow * 0.5)
    rgb = _with_nostrils(rgb)
    rgb = _with_lips(rgb)
    rgb = _with_brows(rgb)
    return Layer(rgb, outline(), relief)


def _nose_shadow() -> Picture:
    """Soft shadow of the nose, down and away from the lamp."""
    return np.asarray(0.55 * bump(564, 886, 24, 10, -0.25) + 0.35 * bump(572, 850, 9, 26, 0.15), float32)


def _under_lip() -> Picture:
    return np.asarray(bump(AXIS + 3, 971, 34, 6), float32)


def _with_nostrils(rgb: Picture) -> Picture:
    for side in (-1, 1):
        hole = [(AXIS + side * 10, 873), (AXIS + side * 18, 867), (AXIS + side * 27, 869), (AXIS + side * 24, 874)]
        rgb = painted(rgb, colour("#5a2c22"), 0.8 * filled(spline(hole, closed=True), 2.0))
        wing = spline([(AXIS + side * 36, 846), (AXIS + side * 42, 862), (AXIS + side * 34, 875)])
        rgb = painted(rgb, colour("#a5644c"), 0.75 * stroked(wing, (1, 4, 1), 1.8))
    return painted(rgb, colour("#a8644d"), 0.3 * stroked(spline([(514, 878), (540, 882), (566, 878)]), (2, 6, 2), 3))


def _with_lips(rgb: Picture) -> Picture:
    upper = filled(np.vstack([spline(_UPPER_LIP), spline(_LINE)[::-1]]), 1.6)
    lower = filled(np.vstack([spline(_LINE), spline(_LOWER_LIP)]), 1.8)
    light = rgb.mean(axis=-1, keepdims=True) / float(SKIN.mean())
    creases = (1 + 0.035 * noise(7, 4))[..., None]
    rgb = painted(rgb, colour("#a94f4a") * light * creases, 0.82 * upper)
    rgb = painted(rgb, colour("#cb6b63") * light * creases, 0.80 * lower)
    rgb = rgb + (0.16 * bump(528, 948, 20, 4.5) + 0.06 * bump(540, 912, 12, 2))[..., None].astype(float32)
    rgb = painted(rgb, colour("#552021"), 0.85 * stroked(spline(_LINE), (2.0, 3.6, 2.0), 1.1))
    corners = bump(461, 921, 7, 6) + bump(619, 921, 7, 6)
    return painted(rgb, colour("#7c3b33"), 0.35 * np.asarray(corners, float32))


def _with_brows(rgb: Picture) -> Picture:
    """Brows as single hairs over a soft shade."""
    random = np.random.default_rng(3)
    for side in (-1, 1):
        curve = spline([(x if side < 0 else 2 * AXIS - x, y) for x, y in _BROW])
        rgb = painted(rgb, colour("#4a2f22"), 0.42 * stroked(curve, (5, 14, 15), 3.0))
        hairs = np.zeros((HEIGHT, WIDTH), np.uint8)
        for _ in range(230):
            t = float(random.uniform(0, 1))
            root = curve[int(t * (len(curve) - 1))] + (0, random.normal(0, 1.3 + 2.6 * t))
            lean = np.array([side * (10 + 5 * (1 - t)), -9 * t + 2.5 * (1 - t) - 1]) * random.uniform(0.7, 1.2)
            hair = np.array([root, root + lean * 0.5, root + lean + (0, 1.5)], float32)
            cv2.polylines(hairs, [fixed_point(hair)], False, int(random.integers(90, 200)), 1, cv2.LINE_AA, 4)
        rgb = painted(rgb, colour("#33211a"), 0.85 * blurred(hairs.astype(float32) / 255, 0.6))
    return rgb
