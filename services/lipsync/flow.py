"""How a face moves from one picture to the next: points on it followed by Lucas-Kanade optical flow."""

from __future__ import annotations

import cv2
import numpy as np
from numpy import float32, float64, uint8
from numpy.typing import NDArray

_POINTS = 80
_FEWEST = 8
_LEAST_AGREEING = 0.5  # share of the points that must move as one head; a cut makes them scatter
_TOLERANCE_PX = 1.0
_MOST_ZOOM = 1.15  # between two frames
_LARGEST_CHANGE = 25.0  # mean difference of luma around the points after the motion is undone; more is a cut
_WINDOW = (15, 15)


class Flow:
    """Follows points on one face through pictures of equal size."""

    def __init__(self) -> None:
        self._luma: NDArray[uint8] | None = None
        self._points: NDArray[float32] | None = None

    def start(self, luma: NDArray[uint8], box: NDArray[float64]) -> None:
        """Chooses points on the face in `box` (x, y, width, height) of the picture just looked at."""
        mask = np.zeros_like(luma)
        x, y, width, height = box
        centre = int(x + width / 2), int(y + 0.45 * height)
        cv2.ellipse(mask, centre, (int(0.42 * width), int(0.45 * height)), 0, 0, 360, 255, -1)
        points = cv2.goodFeaturesToTrack(luma, _POINTS, 0.01, max(2.0, 0.03 * float(width)), mask=mask)
        self._points = None if points is None else np.asarray(points, float32)

    def motion(self, luma: NDArray[uint8]) -> NDArray[float64] | None:
        """Similarity (2, 3) from the last picture to this one; None when the points are lost."""
        before, self._luma = self._luma, luma
        if before is None or self._points is None or len(self._points) < _FEWEST:
            return None
        found, status, _ = cv2.calcOpticalFlowPyrLK(before, luma, self._points, None, winSize=_WINDOW, maxLevel=3)  # type: ignore[call-overload]
        good = status.ravel() == 1
        start, end = self._points[good], found[good]
        self._points = None
        if len(start) < _FEWEST:
            return None
        matrix, agreeing = cv2.estimateAffinePartial2D(
            start, end, method=cv2.RANSAC, ransacReprojThreshold=_TOLERANCE_PX
        )
        if matrix is None or agreeing.mean() < _LEAST_AGREEING or not _plausible(before, luma, start, end, matrix):
            return None
        self._points = end[agreeing.ravel() == 1]
        return np.asarray(matrix, float64)


def _plausible(
    before: NDArray[uint8],
    luma: NDArray[uint8],
    start: NDArray[float32],
    end: NDArray[float32],
    matrix: NDArray[float64],
) -> bool:
    zoom = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    change = np.abs(_samples(before, start) - _samples(luma, end)).mean()
    return 1 / _MOST_ZOOM < zoom < _MOST_ZOOM and float(change) < _LARGEST_CHANGE


def _samples(luma: NDArray[uint8], points: NDArray[float32]) -> NDArray[float64]:
    columns, rows = np.rint(points.reshape(-1, 2)).astype(int).T
    height, width = luma.shape
    return np.asarray(luma[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)], float64)
