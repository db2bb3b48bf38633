"""Finding faces and eyes in one picture with the Haar cascades that OpenCV ships."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy import float64, uint8
from numpy.typing import NDArray

_SCALE_STEP = 1.1
_NEIGHBOURS = 5
_SMALLEST_FACE = 36  # pixels of the picture that is searched; the cascade was trained on 20
_ALIKE = 0.75  # least size of the second cascade's face relative to the first's
_EYE_SHARE = (0.125, 0.34)  # width of an eye's box relative to the face's
_EYE_REST = ((0.31, 0.40), (0.69, 0.40))  # where eyes lie in a face box when the cascade sees none (closed, glasses)
_EYE_LOWEST = 0.6
_EYES_APART = (0.25, 0.55)  # distance between the eyes relative to the face's width
_STEEPEST = 0.5  # slope of the line through both eyes: 27 degrees, the limit of the face cascade too


@dataclass(frozen=True)
class Face:
    """A face in a picture. `eyes`: centres, float64 (2, 2), picture's left eye first; `eyes_seen`: not a guess."""

    box: NDArray[float64]  # x, y, width, height
    eyes: NDArray[float64]
    eyes_seen: bool


class FaceDetector:
    """Finds upright frontal faces. Use one object per thread."""

    def __init__(self) -> None:
        self._faces = _cascade("frontalface_alt2")
        self._second_opinion = _cascade("frontalface_default")
        self._eyes = _cascade("eye")

    def detect(self, luma: NDArray[uint8]) -> list[Face]:
        """Faces in a uint8 luma picture of a few hundred pixels a side, largest first."""
        boxes = self._faces.detectMultiScale(luma, _SCALE_STEP, _NEIGHBOURS, minSize=(_SMALLEST_FACE, _SMALLEST_FACE))
        faces = [self._face(luma, np.asarray(box)) for box in sorted(boxes, key=lambda box: -int(box[2]))]
        return [face for face in faces if face.eyes_seen or self._confirmed(luma, face.box)]

    def _confirmed(self, luma: NDArray[uint8], box: NDArray[float64]) -> bool:
        """Whether another cascade sees a face there too; each alone also finds faces in folds of cloth."""
        x, y, width, height = (int(value) for value in box)
        margin = width // 4
        around = luma[max(0, y - margin) : y + height + margin, max(0, x - margin) : x + width + margin]
        smallest = int(width * _ALIKE)
        return (
            len(self._second_opinion.detectMultiScale(around, _SCALE_STEP, _NEIGHBOURS, minSize=(smallest, smallest)))
            > 0
        )

    def _face(self, luma: NDArray[uint8], box: NDArray[np.int_]) -> Face:
        x, y, width, height = (int(value) for value in box)
        upper = luma[y : y + int(height * _EYE_LOWEST), x : x + width]
        smallest, largest = (int(share * width) for share in _EYE_SHARE)
        found = self._eyes.detectMultiScale(
            upper, 1.05, _NEIGHBOURS - 1, minSize=(smallest, smallest), maxSize=(largest, largest)
        )
        pair = _pair_of(found, width)
        eyes = np.array(_EYE_REST) * (width, height) if pair is None else pair
        return Face(box.astype(float64), eyes + np.array((x, y)), pair is not None)


def _pair_of(boxes: Iterable[Sequence[int]], face_width: int) -> NDArray[float64] | None:
    """Centres of the largest box on each side, if they can be two eyes of one face."""
    centres = [(x + width / 2, y + height / 2, width) for x, y, width, height in boxes]
    left = max((c for c in centres if c[0] < face_width / 2), key=lambda c: c[2], default=None)
    right = max((c for c in centres if c[0] >= face_width / 2), key=lambda c: c[2], default=None)
    if left is None or right is None:
        return None
    eyes = np.array([left[:2], right[:2]], float64)
    apart_x, apart_y = eyes[1] - eyes[0]
    fits = _EYES_APART[0] <= apart_x / face_width <= _EYES_APART[1] and abs(apart_y) <= _STEEPEST * apart_x
    return eyes if fits else None


def _cascade(name: str) -> cv2.CascadeClassifier:
    return cv2.CascadeClassifier(str(Path(cv2.__file__).parent / "data" / f"haarcascade_{name}.xml"))
