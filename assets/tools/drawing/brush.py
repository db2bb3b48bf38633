"""Shapes, blends and light on a canvas of float32 RGB, 0 to 1, (HEIGHT, WIDTH, 3)."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy import float32
from numpy.typing import NDArray

WIDTH, HEIGHT = 1080, 1920
Picture = NDArray[float32]
"""Colours (HEIGHT, WIDTH, 3), or a mask or height field (HEIGHT, WIDTH)."""
Points = Sequence[tuple[float, float]]

X, Y = np.meshgrid(np.arange(WIDTH, dtype=float32), np.arange(HEIGHT, dtype=float32))

_SUBPIXEL_BITS = 4
_KEY = np.array([-0.42, -0.50, 0.76])  # towards the lamp, left and above the camera
_KEY_COLOUR = np.array([0.90, 0.86, 0.80])
_FILL = np.array([0.75, -0.10, 0.65])
_FILL_COLOUR = np.array([0.20, 0.23, 0.28])
_AMBIENT = np.array([0.25, 0.245, 0.26])
_WRAP = np.array([0.38, 0.24, 0.20])  # light scatters in skin, red the farthest


def colour(code: str) -> Picture:
    """An sRGB colour written as "#rrggbb"."""
    return np.array([int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)], float32)


def spline(points: Points, steps: int = 24, *, closed: bool = False) -> NDArray[float32]:
    """A Catmull-Rom curve through `points`, float32 (n, 2)."""
    nodes = np.array(points, float32)
    nodes = np.vstack([nodes[-1:], nodes, nodes[:2]] if closed else [nodes[:1], nodes, nodes[-1:]])
    t = np.linspace(0, 1, steps, endpoint=False, dtype=float32)[:, None]
    pieces = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(nodes, nodes[1:], nodes[2:], nodes[3:], strict=False)
    ]
    return np.vstack([*pieces, nodes[-2:-1]])


def mirrored(points: Points, axis: float) -> list[tuple[float, float]]:
    """`points` down the left side, followed by their mirror images up the right side."""
    return [*points, *((2 * axis - x, y) for x, y in reversed(points) if abs(x - axis) > 1)]


def filled(outline: NDArray[float32], soft: float = 0.8) -> Picture:
    """Mask of the inside of a closed outline; `soft`: standard deviation in pixels of its edge."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.fillPoly(mask, [fixed_point(outline)], 255, cv2.LINE_AA, _SUBPIXEL_BITS)
    return blurred(mask.astype(float32) / 255, soft)


def stroked(curve: NDArray[float32], widths: tuple[float, float, float], soft: float = 0.7) -> Picture:
    """Mask of a line whose width goes from the first of `widths` over the second to the third."""
    t = np.linspace(0, 2, len(curve))
    half = np.interp(t, (0, 1, 2), widths)[:, None] / 2
    along = np.gradient(curve, axis=0)
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1) / (np.linalg.norm(along, axis=1, keepdims=True) + 1e-6)
    return filled(np.vstack([curve + normal * half, (curve - normal * half)[::-1]]).astype(float32), soft)


def fixed_point(curve: NDArray[float32]) -> NDArray[np.int32]:
    """A curve as OpenCV's drawing takes it: sixteenths of a pixel."""
    return np.rint(curve * (1 << _SUBPIXEL_BITS)).astype(np.int32)


def blurred(picture: Picture, sigma: float) -> Picture:
    """Gaussian blur."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), float32) if sigma > 0 else picture


def bump(x: float, y: float, wide: float, high: float, turn: float = 0.0) -> Picture:
    """A Gaussian hill of height 1, `wide` and `high` its standard deviations, turned by `turn` radians."""
    right, down = X - x, Y - y
    along, across = right * np.cos(turn) + down * np.sin(turn), down * np.cos(turn) - right * np.sin(turn)
    return np.exp(-0.5 * (np.square(along / wide) + np.square(across / high))).astype(float32)


def ramp(value: Picture, start: float, end: float) -> Picture:
    """0 at `start`, 1 at `end`, smooth between; `start` may be the larger."""
    t = np.clip((value - start) / (end - start), 0, 1)
    return (t * t * (3 - 2 * t)).astype(float32)


def painted(under: Picture, over: Picture, mask: Picture) -> Picture:
    """`over` on `under` where `mask` is 1."""
    return (under + mask[..., None] * (over - under)).astype(float32)


def lit(albedo: Picture, height: Picture, gloss: Picture | float = 0.0, shadow: Picture | float = 0.0) -> Picture:
    """`albedo` as a matt surface of `height` pixels in the studio's light; `gloss`: share of highlights."""
    slope_y, slope_x = np.gradient(height)
    normal = np.stack([-slope_x, -slope_y, np.ones_like(height)], axis=-1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    key = _facing(normal, _KEY)[..., None]
    fill = _facing(normal, _FILL)[..., None]
    lamp = np.clip((key + _WRAP) / (1 + _WRAP), 0, 1) * _KEY_COLOUR * (1 - np.asarray(shadow)[..., None])
    light = lamp + np.clip(fill, 0, 1) * _FILL_COLOUR + _AMBIENT * (0.75 + 0.25 * -normal[..., 1:2])
    halfway = _KEY / np.linalg.norm(_KEY) + (0, 0, 1)
    shine = np.clip(_facing(normal, halfway), 0, 1) ** 28 * gloss
    return (albedo * light + shine[..., None] * _KEY_COLOUR).astype(float32)


def _facing(normal: Picture, towards: NDArray[np.float64]) -> Picture:
    return np.asarray(normal @ (towards / np.linalg.norm(towards)), float32)


def noise(seed: int, scale: float, shape: tuple[int, int] = (HEIGHT, WIDTH)) -> Picture:
    """Smooth noise of mean 0 and deviation 1 with features of `scale` pixels."""
    rows, columns = (max(2, int(length / scale)) for length in shape)
    coarse = np.random.default_rng(seed).standard_normal((rows, columns)).astype(float32)
    return np.asarray(cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC), float32)
