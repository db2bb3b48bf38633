"""Brows and nose in every frame: found every few frames, carried by optical flow between, the noise averaged out.

The detectors are right on average but jump from frame to frame; flow is steady but drifts. So a track is the flow plus
the slowly varying difference to what was found, over a whole shot at once, without lag. Published code treats every
frame by itself, and what it calls smoothing adds hundredths of a pixel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import av
import cv2
import numpy as np
from numpy import float64, uint8
from numpy.typing import NDArray

from services.lipsync.findings import FaceFindings
from services.lipsync.flow import Flow
from services.lipsync.footage import luma_of
from services.lipsync.latentsync.face.insightface import Landmarks
from services.lipsync.latentsync.face.landmarks import FaceRows

_FLOW_SIDE = 640  # longer side, in pixels, of the picture that flow is computed on
_DETECT_EVERY = 5
_DRIFT_FRAMES = 3.0  # standard deviation over which InsightFace's noise is averaged out
_UNSEEN_LIMIT = 25  # frames that flow alone may carry a face: a turned head, a hand before it
_NEAR = 0.7  # of a face's size: a face found within it is the one being followed


@dataclass
class _Shot:
    """Consecutive frames that show one face: points (3, 2) carried by flow, and those found with their weights."""

    first: int
    carried: list[NDArray[float64]] = field(default_factory=list)
    found: dict[int, tuple[NDArray[float64], float]] = field(default_factory=dict)  # by place in the shot

    def smoothed(self) -> NDArray[float64]:
        """Points (frames, 3, 2)."""
        carried = np.array(self.carried)
        places = np.array(list(self.found))
        drift = np.array([points for points, _ in self.found.values()]) - carried[places]
        weights = np.array([weight for _, weight in self.found.values()])
        near = np.exp(-0.5 * ((np.arange(len(carried))[:, None] - places) / _DRIFT_FRAMES) ** 2) * weights + 1e-12
        correction = np.einsum("fn,npc->fpc", near, drift) / near.sum(axis=1)[:, None, None]
        points: NDArray[float64] = carried + correction
        return points


class FlowTracker:
    """See LandmarkTracker: for detectors of single pictures. `find` gives the faces of a frame, largest first."""

    def __init__(self, find: Callable[[av.VideoFrame], list[Landmarks]]) -> None:
        self._find, self._flow = find, Flow()
        self._shots: list[_Shot] = []
        self._shot: _Shot | None = None
        self._since_looked = 0
        self._several: list[bool] = []
        self._boxes: dict[int, NDArray[float64]] = {}

    @property
    def _frames(self) -> int:
        return len(self._several)

    def look(self, frame: av.VideoFrame) -> None:
        """See LandmarkTracker."""
        luma, scale = _small(frame)
        self._carry(luma, scale)
        self._since_looked += 1
        several = bool(self._several) and self._several[-1]
        if self._shot is None or self._since_looked >= _DETECT_EVERY:
            self._since_looked = 0
            several = self._detect(frame, luma, scale)
        self._several.append(several)

    def rows(self) -> FaceRows:
        """See LandmarkTracker. Boxes are known of some frames only, and of yaw, light and sharpness nothing."""
        points, boxes = np.full((self._frames, 3, 2), np.nan), np.full((self._frames, 4), np.nan)
        for shot in self._shots:
            points[shot.first : shot.first + len(shot.carried)] = shot.smoothed()
        for frame, box in self._boxes.items():
            boxes[frame] = box
        findings = FaceFindings.of_boxes(boxes, np.isfinite(points).all(axis=(1, 2)))
        return FaceRows(points, boxes, np.array(self._several, bool), findings)

    def _carry(self, luma: NDArray[uint8], scale: float) -> None:
        motion = self._flow.motion(luma)
        shot = self._shot
        if shot is None or motion is None or len(shot.carried) - max(shot.found) > _UNSEEN_LIMIT:
            self._shot = None
        else:
            shot.carried.append((shot.carried[-1] * scale @ motion[:, :2].T + motion[:, 2]) / scale)

    def _detect(self, frame: av.VideoFrame, luma: NDArray[uint8], scale: float) -> bool:
        """Looks for faces; returns whether there are several."""
        faces = self._find(frame)
        face = self._followed(faces)
        if face is not None:
            self._take(face, luma, scale)
        return len(faces) > 1

    def _take(self, face: Landmarks, luma: NDArray[uint8], scale: float) -> None:
        if self._shot is None:
            self._shot = _Shot(self._frames, [face.points])
            self._shots.append(self._shot)
        self._shot.found[len(self._shot.carried) - 1] = face.points, face.weight
        self._boxes[self._frames] = face.box
        self._flow.start(luma, face.box * scale)

    def _followed(self, faces: list[Landmarks]) -> Landmarks | None:
        """The face being followed, or the largest when none is."""
        if self._shot is None:
            return faces[0] if faces else None
        expected = self._shot.carried[-1].mean(axis=0)
        size = np.ptp(self._shot.carried[-1], axis=0).max() / 0.45  # brows lie not quite half a face apart
        return next((face for face in faces if np.abs(face.points.mean(axis=0) - expected).max() < _NEAR * size), None)


def _small(frame: av.VideoFrame) -> tuple[NDArray[uint8], float]:
    luma = luma_of(frame)
    scale = min(1.0, max(_FLOW_SIDE / max(luma.shape), 1 / min(luma.shape)))
    return np.asarray(cv2.resize(luma, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), uint8), scale
