"""Where a face's brows and nose are: all that the crop needs, from whichever detector is at hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import av
import cv2
import numpy as np
import torch
from numpy import float64
from numpy.typing import NDArray

from services.lipsync.faces import FaceDetector
from services.lipsync.footage import luma_of

INSIGHTFACE = "insightface"
"""Folder of a checkpoint that holds InsightFace's files."""

_SEARCH_HEIGHT = 360  # rows of the picture that the cascades search

# From the point between the eyes to the means of InsightFace's brow and nose points, in eye distances (x right, y
# down): usual proportions, compared with a photograph in the tests. An error moves what the network sees, not the
# pasted mouth, because the way back is the inverse of the way in.
_FROM_EYES = np.array(((-0.56, -0.33), (0.56, -0.33), (0.0, 0.54)))
_GUESSED = 0.02  # weight of eyes that were not seen: it counts only where nothing better is near


@dataclass(frozen=True)
class Landmarks:
    """One face. `box` (4,) is x, y, width, height; `points` (3, 2) left brow, right brow, nose; float64 frame pixels.

    `weight`, above 0 to 1: how far to trust the points.
    """

    box: NDArray[float64]
    points: NDArray[float64]
    weight: float = 1.0


class LandmarkProvider(Protocol):
    """Finds faces. Use one object per thread."""

    name: str
    """Part of cache keys: providers with other names give other results."""
    drift_frames: float
    """Frames (standard deviation) over which its noise is averaged out."""

    def find(self, frame: av.VideoFrame) -> list[Landmarks]:
        """Faces of an 8-bit 4:2:0 frame, largest first."""


class OpenCvLandmarks:
    """Haar cascades, which OpenCV ships: no download, upright frontal faces only, eyes good to a few pixels."""

    name = "opencv-1"
    drift_frames = 20.0

    def __init__(self) -> None:
        self._detector = FaceDetector()

    def find(self, frame: av.VideoFrame) -> list[Landmarks]:
        """See LandmarkProvider."""
        luma = luma_of(frame)
        scale = min(1.0, _SEARCH_HEIGHT / min(luma.shape))
        small = cv2.resize(luma, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        return [
            Landmarks(face.box / scale, points_of(face.eyes / scale), 1.0 if face.eyes_seen else _GUESSED)
            for face in self._detector.detect(np.ascontiguousarray(small))
        ]


def points_of(eyes: NDArray[float64]) -> NDArray[float64]:
    """Usual brows and nose (3, 2) for eye centres (2, 2), picture's left eye first."""
    along = eyes[1] - eyes[0]
    axes = np.array((along, (-along[1], along[0])))
    points: NDArray[float64] = eyes.mean(axis=0) + _FROM_EYES @ axes
    return points


def has_insightface(checkpoint: Path) -> bool:
    """Whether the operator has put InsightFace's files there, or meant to."""
    return (checkpoint / INSIGHTFACE).is_dir()


def landmark_provider(checkpoint: Path, device: torch.device) -> LandmarkProvider:
    """InsightFace when its files lie in the checkpoint's folder `insightface/`, else OpenCV.

    Raises FailedPreconditionError (LANDMARKS_UNAVAILABLE) when they cannot be used.
    """
    if not has_insightface(checkpoint):
        return OpenCvLandmarks()
    from services.lipsync.latentsync.face.insightface import InsightFaceLandmarks

    return InsightFaceLandmarks(checkpoint / INSIGHTFACE, device)
