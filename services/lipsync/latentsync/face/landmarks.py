"""Where a face's brows and nose are: all that the crop needs, from whichever networks are at hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import av
import numpy as np
import torch
from numpy import bool_, float64
from numpy.typing import NDArray

from services.faces.mesh import Face
from services.faces.points import LEFT_BROW, RIGHT_BROW
from services.faces.smoothing import smoothed
from services.faces.speaker import Speaker, several
from services.faces.tracking import FaceTracker
from services.lipsync.findings import FaceFindings
from services.lipsync.footage import FramePicture
from services.media.timeline import FRAME_RATE_HZ

INSIGHTFACE = "insightface"
"""Folder of a checkpoint that holds InsightFace's files."""

_NOSE = (4, 5, 195, 98, 327)  # the ridge near its tip, and the nostrils


@dataclass(frozen=True)
class FaceRows:
    """One row a frame, nan without a face. `points` (frames, 3, 2): left brow, right brow, nose, in frame pixels.

    `boxes` (frames, 4): x, y, width, height. `several`: frames that show more than one face.
    """

    points: NDArray[float64]
    boxes: NDArray[float64]
    several: NDArray[bool_]
    findings: FaceFindings


class LandmarkTracker(Protocol):
    """Follows the speaker's face through footage. Feed every frame (8-bit 4:2:0) in order, then ask for `rows`."""

    def look(self, frame: av.VideoFrame) -> None:
        """Looks at the next frame."""

    def rows(self) -> FaceRows:
        """What was found."""


class LandmarkProvider(Protocol):
    """Makes trackers. Use one object per thread."""

    name: str
    """Part of cache keys: providers with other names give other results."""

    def tracker(self) -> LandmarkTracker:
        """For one footage."""


class MeshLandmarks:
    """MediaPipe's mesh, which comes with Vigent."""

    name = "mesh-2"

    def tracker(self) -> LandmarkTracker:
        """See LandmarkProvider."""
        return MeshTracker()


class MeshTracker:
    """See LandmarkTracker."""

    def __init__(self) -> None:
        self._faces = FaceTracker()
        self._size = 1, 1

    def look(self, frame: av.VideoFrame) -> None:
        """See LandmarkTracker."""
        self._size = frame.width, frame.height
        self._faces.look(FramePicture(frame))

    def rows(self) -> FaceRows:
        """See LandmarkTracker."""
        frames, tracks = self._faces.pictures, self._faces.tracks
        speaker = Speaker(tracks, frames, *self._size)
        points, boxes = np.full((frames, 3, 2), np.nan), np.full((frames, 4), np.nan)
        for run in speaker.runs():
            faces = [face for face in speaker.faces[run] if face]
            size = float(np.median([face.size for face in faces]))
            points[run] = smoothed(np.array([points_of(face) for face in faces]), size, FRAME_RATE_HZ)
            boxes[run] = [face.box for face in faces]
        return FaceRows(points, boxes, np.array(several(tracks, frames), bool), FaceFindings.of(speaker))


def points_of(face: Face) -> NDArray[float64]:
    """Brows and nose (3, 2) as InsightFace's points have their means."""
    return np.array([face.points[list(group), :2].mean(axis=0) for group in (LEFT_BROW, RIGHT_BROW, _NOSE)])


def has_insightface(checkpoint: Path) -> bool:
    """Whether the operator has put InsightFace's files there, or meant to."""
    return (checkpoint / INSIGHTFACE).is_dir()


def landmark_provider(checkpoint: Path, device: torch.device) -> LandmarkProvider:
    """InsightFace when its files lie in the checkpoint's folder `insightface/`, else the mesh.

    Raises FailedPreconditionError (LANDMARKS_UNAVAILABLE) when they cannot be used.
    """
    if not has_insightface(checkpoint):
        return MeshLandmarks()
    from services.lipsync.latentsync.face.insightface import InsightFaceLandmarks

    return InsightFaceLandmarks(checkpoint / INSIGHTFACE, device)
