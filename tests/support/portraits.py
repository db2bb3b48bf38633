"""Variants of a real photograph, each with the way back: the astronaut turned, darkened, small, with sunglasses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy import float64, uint8
from numpy.typing import NDArray
from skimage.data import astronaut

FACE_XY = (226.0, 120.0)  # middle of the astronaut's face in her photograph
FACE_WIDTH = 95.0
UNMOVED = np.eye(2, 3)


@dataclass(frozen=True)
class Portrait:
    """uint8 RGB, and the matrix (2, 3) from the photograph to it."""

    rgb: NDArray[uint8]
    matrix: NDArray[float64]


def moved(matrix: NDArray[float64], width: int = 512, height: int = 512, border: int = cv2.BORDER_REFLECT) -> Portrait:
    flags = cv2.INTER_AREA if np.linalg.det(matrix[:, :2]) < 0.7 else cv2.INTER_CUBIC
    rgb = cv2.warpAffine(
        astronaut(), matrix, (width, height), flags=flags, borderMode=border, borderValue=(90, 100, 110)
    )
    return Portrait(rgb, matrix)


def turned(degrees: float) -> Portrait:
    matrix = cv2.getRotationMatrix2D(FACE_XY, degrees, 1.0)
    matrix[:, 2] += np.array((256, 256)) - FACE_XY
    return moved(matrix)


def scaled(face_width: float, x: float, y: float, width: int, height: int) -> Portrait:
    """The face `face_width` pixels wide at (x, y) of a picture, with the photograph around it and grey beyond."""
    zoom = face_width / FACE_WIDTH
    matrix = np.array(((zoom, 0, x - zoom * FACE_XY[0]), (0, zoom, y - zoom * FACE_XY[1])))
    shrink = max(1, int(1 / zoom))  # in two steps, because one would alias
    small = cv2.resize(astronaut(), None, fx=1 / shrink, fy=1 / shrink, interpolation=cv2.INTER_AREA)
    rest = np.column_stack((matrix[:, :2] * shrink, matrix[:, 2] + zoom * (shrink - 1) / 2))
    rgb = cv2.warpAffine(small, rest, (width, height), flags=cv2.INTER_AREA, borderValue=(90, 100, 110))
    return Portrait(rgb, matrix)


def changed(change: Callable[[NDArray[float64]], NDArray[float64]]) -> Portrait:
    return Portrait(np.clip(change(astronaut().astype(float64)), 0, 255).astype(uint8), UNMOVED)


def mirrored() -> Portrait:
    return Portrait(np.ascontiguousarray(astronaut()[:, ::-1]), np.array(((-1.0, 0, 511), (0, 1, 0))))


def with_sunglasses() -> Portrait:
    rgb = astronaut().copy()
    for x, y in ((204, 102), (245, 104)):
        cv2.ellipse(rgb, (x, y), (17, 12), 2, 0, 360, (12, 12, 14), -1)
    cv2.line(rgb, (204, 98), (245, 100), (12, 12, 14), 3)
    return Portrait(rgb, UNMOVED)


def with_cap() -> Portrait:
    rgb = astronaut().copy()
    rgb[:76, 150:300] = (30, 40, 90)
    return Portrait(rgb, UNMOVED)


def compressed() -> Portrait:
    jpeg = cv2.imencode(".jpg", astronaut()[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, 8))[1]
    return Portrait(np.ascontiguousarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR)[..., ::-1]), UNMOVED)


def noisy() -> Portrait:
    return changed(lambda rgb: rgb + np.random.default_rng(0).normal(0, 20, rgb.shape))


def lit_from_the_side() -> Portrait:
    across = np.clip((np.arange(512) - 170) / 110, 0, 1)[None, :, None]
    return changed(lambda rgb: rgb * (0.25 + 0.75 * across))


VARIANTS: dict[str, Callable[[], Portrait]] = {
    "as it is": lambda: Portrait(astronaut(), UNMOVED),
    **{f"turned by {degrees}": lambda degrees=degrees: turned(degrees) for degrees in (20, 30, 60, -20, -30, -45)},
    "mirrored": mirrored,
    "darkened to 12 %": lambda: changed(lambda rgb: rgb * 0.12),
    "overexposed": lambda: changed(lambda rgb: rgb * 1.8 + 20),
    "low contrast": lambda: changed(lambda rgb: 110 + 0.25 * (rgb - 110)),
    "grey": lambda: changed(lambda rgb: np.repeat(rgb.mean(axis=2, keepdims=True), 3, axis=2)),
    "lit from the side": lit_from_the_side,
    "sunglasses": with_sunglasses,
    "cap": with_cap,
    "blurred": lambda: changed(lambda rgb: cv2.GaussianBlur(rgb, (0, 0), 3)),
    "noisy": noisy,
    "compressed": compressed,
    "picture 90 pixels wide": lambda: scaled(90 / 512 * FACE_WIDTH, 39.5, 21, 90, 90),
    "face of 100 pixels in 1080p": lambda: scaled(100, 500, 400, 1920, 1080),
}
"""Twenty."""
