"""Hair: strands between guide curves, brighter where they bend towards the lamp, in front of and behind the head."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy import float32, uint8
from numpy.typing import NDArray

from assets.tools.drawing.brush import (
    HEIGHT,
    WIDTH,
    Points,
    blurred,
    colour,
    filled,
    fixed_point,
    painted,
    spline,
)
from assets.tools.drawing.face import Layer

_DARK, _BROWN, _SHINE = colour("#170e0b"), colour("#3f2519"), colour("#c08a60")
_DEPTH = 70.0


@dataclass(frozen=True)
class _Lock:
    """Strands between an inner and an outer curve, both from root to tip. `shine`: where along it and how strongly."""

    inner: Points
    outer: Points
    strands: int
    shine: tuple[float, float, float]  # place, width, strength
    spill: float = 5.0  # how far, in pixels, strands stray


_FRONT = (
    _Lock(
        inner=[
            (596, 470),
            (548, 494),
            (470, 548),
            (410, 624),
            (379, 730),
            (370, 850),
            (373, 960),
            (392, 1062),
            (424, 1130),
        ],
        outer=[
            (588, 402),
            (500, 392),
            (396, 428),
            (322, 530),
            (284, 690),
            (270, 850),
            (272, 990),
            (298, 1100),
            (352, 1168),
        ],
        strands=1500,
        shine=(0.30, 0.075, 1.15),
    ),
    _Lock(
        inner=[
            (600, 470),
            (632, 506),
            (672, 566),
            (698, 640),
            (709, 740),
            (712, 850),
            (708, 960),
            (692, 1062),
            (662, 1130),
        ],
        outer=[
            (592, 402),
            (664, 402),
            (726, 446),
            (778, 540),
            (804, 690),
            (812, 850),
            (806, 990),
            (784, 1100),
            (732, 1168),
        ],
        strands=1300,
        shine=(0.27, 0.065, 0.75),
    ),
)
_BACK = (
    _Lock(
        inner=[(540, 440), (520, 600), (505, 800), (490, 1000), (480, 1120)],
        outer=[(500, 420), (360, 560), (312, 800), (312, 1000), (352, 1176)],
        strands=700,
        shine=(0.2, 0.05, 0.0),
    ),
    _Lock(
        inner=[(540, 440), (560, 600), (575, 800), (590, 1000), (600, 1120)],
        outer=[(580, 420), (720, 560), (768, 800), (768, 1000), (728, 1176)],
        strands=700,
        shine=(0.2, 0.05, 0.0),
    ),
)


@cache
def front() -> Layer:
    """The hair around the face."""
    return _drawn(_FRONT, seed=21, bright=1.0)


def back() -> Layer:
    """The hair behind the neck."""
    return _drawn(_BACK, seed=22, bright=0.5)


def _drawn(locks: tuple[_Lock, ...], seed: int, bright: float) -> Layer:
    random = np.random.default_rng(seed)
    mass = np.zeros((HEIGHT, WIDTH), float32)
    strands, cover = np.zeros((HEIGHT, WIDTH, 3), uint8), np.zeros((HEIGHT, WIDTH), uint8)
    strands[:] = np.rint(_DARK * 255)
    for lock in locks:
        inner, outer = spline(lock.inner, 12), spline(lock.outer, 12)
        mass = np.maximum(mass, filled(np.vstack([inner[:-5], outer[-6::-1]]), 2.5))
        for _ in range(lock.strands):
            _draw_strand(strands, cover, _strand(inner, outer, lock, random), lock, bright, random)
    alpha = np.maximum(mass, blurred(cover.astype(float32) / 255, 0.5))
    rgb = painted(np.broadcast_to(_DARK, (HEIGHT, WIDTH, 3)), blurred(strands.astype(float32) / 255, 0.6), alpha)
    return Layer(rgb, alpha, blurred(alpha, 12) * _DEPTH)


def _strand(
    inner: NDArray[float32], outer: NDArray[float32], lock: _Lock, random: np.random.Generator
) -> NDArray[float32]:
    share = random.beta(0.9, 0.9)
    t = np.linspace(0, 1, len(inner))
    wander = lock.spill * np.sin(2 * np.pi * (random.uniform(0.5, 1.3) * t + random.uniform(0, 1))) * t
    path = inner + (outer - inner) * share + np.stack([wander, np.zeros_like(t)], axis=1)
    ends = max(4, int(len(path) * random.uniform(0.92, 1.0)))
    return np.asarray(path[:ends], float32)


def _draw_strand(
    strands: NDArray[uint8],
    cover: NDArray[uint8],
    path: NDArray[float32],
    lock: _Lock,
    bright: float,
    random: np.random.Generator,
) -> None:
    place, width, strength = lock.shine
    tone, thickness = random.uniform(0.35, 1.15) * bright, int(random.integers(1, 3))
    glow = strength * random.uniform(0.3, 1.0)
    shift = random.normal(0, 0.035)
    points = fixed_point(path)
    for step in range(len(points) - 1):
        t = step / (len(points) - 1)
        shine = glow * np.exp(-0.5 * ((t - place - shift) / width) ** 2) + 0.25 * glow * np.exp(
            -0.5 * ((t - 0.72) / 0.1) ** 2
        )
        shade = 1 - 0.45 * np.exp(-t / 0.07)
        rgb = np.clip((_BROWN * tone + (_SHINE - _BROWN) * shine * bright) * shade, 0, 1) * 255
        piece = [points[step : step + 2]]
        cv2.polylines(strands, piece, False, [float(value) for value in rgb], thickness, cv2.LINE_AA, 4)
        cv2.polylines(cover, piece, False, 255, thickness, cv2.LINE_AA, 4)
