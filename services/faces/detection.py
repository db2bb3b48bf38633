"""Finding faces anywhere in a picture, turned and small ones too: MediaPipe's two detectors.

The short-range one sees the whole picture: large faces, also those turned on their side. The full-range one sees
squares of the picture's shorter side, in which a face of a tenth of that side is found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy import float64
from numpy.typing import NDArray

from services.faces.networks import Network, sigmoid
from services.faces.picture import Picture, Rgb, sample

_LEAST_SCORE = 0.5
_SAME = 0.3  # overlap (intersection over union) above which two boxes are of one face, as in MediaPipe's graph
_KEYPOINTS = 6
_LEAST_SIDE = 16  # pixels: a narrower picture holds no face
_MOST_SQUARES = 9  # of a picture that is much longer than wide
_STRIDES = {"short": ((8, 2), (16, 6)), "full": ((4, 1),)}  # and anchors a cell


@dataclass(frozen=True)
class Detection:
    """A face. `box`: x, y, width, height; `keypoints` (6, 2): eyes, nose, mouth, ears, the picture's left one first."""

    box: NDArray[float64]
    keypoints: NDArray[float64]
    score: float


class FaceDetector:
    """Finds faces in one picture. Use one object per thread."""

    def __init__(self) -> None:
        names = "reshaped_classifier_face_4", "reshaped_regressor_face_4"
        self._short = Network("face_detection_short_range.tflite", 128, ("classificators", "regressors"))
        self._full = Network("face_detection_full_range.tflite", 192, names)
        self._short_anchors, self._full_anchors = _anchors(128, "short"), _anchors(192, "full")

    def detect(self, picture: Picture) -> list[Detection]:
        """Every face, the surest first, in pixels of the picture."""
        if min(picture.width, picture.height) < _LEAST_SIDE:
            return []
        whole = 0, 0, picture.width, picture.height
        found = list(_found(self._short, self._short_anchors, picture, whole))
        for square in _squares(picture.width, picture.height):
            found += _found(self._full, self._full_anchors, picture, square)
        return _merged(found)


def _found(
    network: Network, anchors: NDArray[float64], picture: Picture, part: tuple[int, int, int, int]
) -> Iterator[Detection]:
    longest = max(part[2] - part[0], part[3] - part[1])
    seen = sample(picture, np.array(part[:2], float64), np.array(part[2:], float64), longest / network.side)
    scale = network.side / max(seen.rgb.shape)
    logits, offsets = network.run(_fitted(seen.rgb, network.side))
    scores = sigmoid(logits.ravel())
    for place in np.flatnonzero(scores >= _LEAST_SCORE):
        points = offsets.reshape(-1, 2 + _KEYPOINTS, 2)[place]
        centre, size = points[0] + anchors[place], points[1]
        zoom, start = seen.shrink / scale, (seen.left, seen.top)
        box = np.concatenate(((centre - size / 2) * zoom + start, size * zoom))
        keypoints = (points[2:] + anchors[place]) * zoom + start
        yield Detection(box, keypoints, float(scores[place]))


def _fitted(rgb: Rgb, side: int) -> Rgb:
    """The picture with its longer side `side`, and black beside it."""
    scale = side / max(rgb.shape)
    height, width = (max(1, round(length * scale)) for length in rgb.shape[:2])
    padded = np.zeros((side, side, 3), np.uint8)
    padded[:height, :width] = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_LINEAR)
    return padded


def _squares(width: int, height: int) -> Iterator[tuple[int, int, int, int]]:
    """Squares of the shorter side along the longer one, each overlapping the next by half or more."""
    side, longest = min(width, height), max(width, height)
    count = 1 if longest <= 1.25 * side else min(_MOST_SQUARES, 1 + int(np.ceil((longest - side) / (side / 2))))
    if count == 1:
        yield 0, 0, width, height
        return
    for start in np.linspace(0, longest - side, count):
        first = int(start) // 2 * 2
        yield (first, 0, first + side, side) if width > height else (0, first, side, first + side)


def _anchors(side: int, kind: str) -> NDArray[float64]:
    """Middles of the cells, (anchors, 2), in pixels of the network's picture."""
    rows = []
    for stride, per_cell in _STRIDES[kind]:
        middles = (np.arange(side // stride) + 0.5) * stride
        y, x = np.meshgrid(middles, middles, indexing="ij")
        rows.append(np.repeat(np.stack((x, y), axis=-1).reshape(-1, 2), per_cell, axis=0))
    return np.concatenate(rows)


def _merged(found: list[Detection]) -> list[Detection]:
    """One detection a face: boxes that overlap are averaged by score."""
    rest = sorted(found, key=lambda detection: -detection.score)
    merged = []
    while rest:
        same = [each for each in rest if overlap(each.box, rest[0].box) > _SAME]
        weights = [each.score for each in same]
        box = np.average([each.box for each in same], axis=0, weights=weights)
        keypoints = np.average([each.keypoints for each in same], axis=0, weights=weights)
        merged.append(Detection(box, keypoints, rest[0].score))
        rest = [each for each in rest if all(each is not one for one in same)]
    return merged


def overlap(one: NDArray[float64], other: NDArray[float64]) -> float:
    """Intersection over union of two boxes (x, y, width, height)."""
    start, end = np.maximum(one[:2], other[:2]), np.minimum(one[:2] + one[2:], other[:2] + other[2:])
    shared = float(np.prod(np.maximum(0, end - start)))
    return shared / max(1e-9, float(np.prod(one[2:]) + np.prod(other[2:])) - shared)
