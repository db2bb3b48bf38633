"""Which part of a picture covers the film's canvas, keeping the face in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy import uint8
from numpy.typing import NDArray

DETECTION_SIDE = 960
"""Pixels of the longer side at which faces are looked for: enough for a presenter beside a slide."""

_SMALLEST_FACE_SHARE = 0.05  # of the picture's longer side


@dataclass(frozen=True)
class Crop:
    """A box in pixels of the picture; not whole numbers, the scaler rounds."""

    x: float
    y: float
    width: float
    height: float


def cover(width: int, height: int, aspect: float, focus: tuple[float, float]) -> Crop:
    """The largest box of `aspect` (width / height) in the picture, as near to the `focus` as the edges allow.

    `focus` is in shares of the picture's width and height.
    """
    box_width, box_height = min(width, height * aspect), min(height, width / aspect)
    x = np.clip(focus[0] * width - box_width / 2, 0, width - box_width)
    y = np.clip(focus[1] * height - box_height / 2, 0, height - box_height)
    return Crop(float(x), float(y), box_width, box_height)


def face_focus(pictures: Iterable[NDArray[uint8]]) -> tuple[float, float] | None:
    """Middle of the largest face over all pictures (uint8 RGB), in shares of width and height; None without a face."""
    centres = [centre for picture in pictures if (centre := _largest_face(picture)) is not None]
    if not centres:
        return None
    x, y = np.median(np.array(centres), axis=0)
    return float(x), float(y)


def _largest_face(rgb: NDArray[uint8]) -> tuple[float, float] | None:
    height, width = rgb.shape[:2]
    scale = min(1.0, DETECTION_SIDE / max(width, height))
    small = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    grey = cv2.equalizeHist(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY))
    least = int(_SMALLEST_FACE_SHARE * max(grey.shape))
    faces = _cascade().detectMultiScale(grey, scaleFactor=1.1, minNeighbors=6, minSize=(least, least))
    if len(faces) == 0:
        return None
    x, y, face_width, face_height = max(faces, key=lambda face: face[2] * face[3])
    return (x + face_width / 2) / grey.shape[1], (y + face_height / 2) / grey.shape[0]


@cache
def _cascade() -> cv2.CascadeClassifier:
    folder = Path(cv2.__file__).parent / "data"
    return cv2.CascadeClassifier(str(folder / "haarcascade_frontalface_default.xml"))
