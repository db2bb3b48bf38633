"""Where the mouth is in every frame: found every few frames, carried on by optical flow between, then smoothed.

The detectors are right on average but jump by pixels; optical flow is steady but drifts. So the track is the flow
plus the slowly varying difference to what was found (a complementary filter, run over the whole shot at once).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import av
import cv2
import numpy as np
from numpy import float32, float64, uint8
from numpy.typing import NDArray

from services.lipsync.engine import Box
from services.lipsync.faces import Face, FaceDetector
from services.lipsync.flow import Flow
from services.lipsync.footage import luma_of, rgb_of
from services.lipsync.warp.lips import EYE_DISTANCE, EYE_LINE, HEIGHT, WIDTH, Lips, chart_matrix, find_lips
from services.lipsync.warp.mouth import Mouth

_SEARCH_SIDE = 640  # longer side, in pixels, of the picture searched for faces
_DETECT_EVERY = 8
_UNSEEN_LIMIT = 25  # frames that flow alone may carry a face: a turned head, a hand before the face
_GUESSED_EYES_WEIGHT = 0.2
_DRIFT_FRAMES = 20.0  # standard deviation of the smoothing of found minus flow
_JITTER_FRAMES = 1.0  # of the smoothing of the sum: less than the head's own motion at 25 fps
_OUTLIER = 3.0  # median absolute deviations


@dataclass
class _Shot:
    """Consecutive frames that show one face, starting at `first`: mouths carried by flow, and those found."""

    first: int
    carried: list[Mouth] = field(default_factory=list)
    found: dict[int, tuple[Mouth, float]] = field(default_factory=dict)  # by place in the shot, with weight

    def smoothed(self) -> list[Mouth]:
        """The mouth in every frame of the shot."""
        carried = np.array([mouth.as_row() for mouth in self.carried])
        places = np.array(list(self.found))
        found = np.array([mouth.as_row() for mouth, _ in self.found.values()])
        weights = np.array([weight for _, weight in self.found.values()])
        drift = found - carried[places]
        weights = weights * _inliers(drift)
        near = np.exp(-0.5 * ((np.arange(len(carried))[:, None] - places) / _DRIFT_FRAMES) ** 2) * weights + 1e-12
        rows = carried + near @ drift / near.sum(axis=1, keepdims=True)
        return [Mouth(*row) for row in _blurred(rows, _JITTER_FRAMES)]


class MouthTracker:
    """Follows the largest face through footage. Feed every frame in order, then ask for `mouths`."""

    def __init__(self) -> None:
        self.several: list[bool] = []
        """For every frame, whether more than one face was seen in it or when it was last looked at."""
        self.faces: list[NDArray[float64]] = []
        """Every face box found: x, y, width, height in pixels of the footage."""
        self._detector, self._flow = FaceDetector(), Flow()
        self._shots: list[_Shot] = []
        self._shot: _Shot | None = None
        self._frames = self._since_looked = 0

    def look(self, frame: av.VideoFrame) -> None:
        """Looks at the next frame."""
        luma, scale = _searched(frame)
        self._carry(luma, scale)
        self._since_looked += 1
        if self._shot is None or self._since_looked >= _DETECT_EVERY:
            self._since_looked = 0
            self._detect(frame, luma, scale)
        else:
            self.several.append(self.several[-1])
        self._frames += 1

    def mouths(self) -> list[Mouth | None]:
        """The mouth in every frame; None where there is no face."""
        mouths: list[Mouth | None] = [None] * self._frames
        for shot in self._shots:
            mouths[shot.first : shot.first + len(shot.carried)] = shot.smoothed()
        return mouths

    def _carry(self, luma: NDArray[uint8], scale: float) -> None:
        motion = self._flow.motion(luma)
        shot = self._shot
        if shot and (motion is None or len(shot.carried) - max(shot.found) > _UNSEEN_LIMIT):
            self._shot = None
        elif shot and motion is not None:
            shot.carried.append(shot.carried[-1].moved(motion, scale))

    def _detect(self, frame: av.VideoFrame, luma: NDArray[uint8], scale: float) -> None:
        faces = self._detector.detect(luma)
        self.several.append(len(faces) > 1)
        face = self._chosen(faces, scale)
        if face is None:
            return
        mouth, certainty = mouth_of(frame, face.eyes / scale)
        if self._shot is None:
            self._shot = _Shot(self._frames, [mouth])
            self._shots.append(self._shot)
        weight = (certainty + 0.01) * (1.0 if face.eyes_seen else _GUESSED_EYES_WEIGHT)
        self._shot.found[len(self._shot.carried) - 1] = mouth, weight
        self.faces.append(face.box / scale)
        self._flow.start(luma, face.box)

    def _chosen(self, faces: list[Face], scale: float) -> Face | None:
        """The face being followed, or the largest when none is."""
        if self._shot is None:
            return faces[0] if faces else None
        mouth = np.array([self._shot.carried[-1].x, self._shot.carried[-1].y]) * scale
        around = (
            face for face in faces if np.all(np.abs(mouth - face.box[:2] - face.box[2:] / 2) < face.box[2:] * 0.7)
        )
        return next(around, None)


def mouth_of(frame: av.VideoFrame, eyes: NDArray[float64]) -> tuple[Mouth, float]:
    """The mouth of the face whose eye centres (2, 2) are known, and how clearly it is seen, 0 to 1."""
    matrix = chart_matrix(eyes)
    lips = find_lips(_chart(frame, matrix))
    return _placed(lips, matrix), lips.certainty


def _placed(lips: Lips, matrix: NDArray[float64]) -> Mouth:
    between_eyes = matrix @ (WIDTH / 2, EYE_LINE, 1)
    linear = matrix[:, :2] * EYE_DISTANCE
    x, y = linear @ (lips.x, lips.y) + between_eyes
    size = float(np.hypot(*linear[:, 0]))
    angle = float(np.arctan2(linear[1, 0], linear[0, 0])) + float(np.arctan(lips.slope))
    return Mouth(float(x), float(y), lips.half_width * size, angle, lips.bend * lips.half_width, lips.teeth)


def _chart(frame: av.VideoFrame, matrix: NDArray[float64]) -> NDArray[uint8]:
    """The lower face, upright and EYE_DISTANCE pixels between the eyes; beyond the picture its edge is repeated."""
    corners = matrix @ np.array([[0, WIDTH, 0, WIDTH], [0, 0, HEIGHT, HEIGHT], [1, 1, 1, 1]])
    left, top = np.clip(corners.min(axis=1).astype(int) // 2 * 2, 0, (frame.width - 2, frame.height - 2))
    right, bottom = np.clip(corners.max(axis=1).astype(int), (left + 2, top + 2), (frame.width, frame.height)) // 2 * 2
    crop = rgb_of(frame, Box(int(left), int(top), int(right - left), int(bottom - top)))
    # Shrink with area averaging first: sampling a large face directly would alias.
    ratio = min(1.0, 1 / float(np.hypot(matrix[0, 0], matrix[1, 0])))
    shrunk = cv2.resize(crop, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA)
    within = (matrix - np.array([[0, 0, left], [0, 0, top]])) * ratio
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(shrunk, within, (WIDTH, HEIGHT), flags=flags, borderMode=cv2.BORDER_REPLICATE))


def _searched(frame: av.VideoFrame) -> tuple[NDArray[uint8], float]:
    """A small luma picture of a frame, and its size relative to the frame's."""
    luma = luma_of(frame)
    scale = min(1.0, max(_SEARCH_SIDE / max(luma.shape), 1 / min(luma.shape)))
    return np.asarray(cv2.resize(luma, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), uint8), scale


def _inliers(drift: NDArray[float64]) -> NDArray[float64]:
    """1 for rows whose place lies near the median one, else 0; at least half are 1."""
    away = np.hypot(*(drift - np.median(drift, axis=0))[:, :2].T)
    return np.asarray(away <= _OUTLIER * np.median(away) + 1e-6, float64)


def _blurred(rows: NDArray[float64], sigma: float) -> NDArray[float64]:
    """Gaussian smoothing down the rows, the ends repeated."""
    blurred = cv2.GaussianBlur(rows.astype(float32), (1, 0), sigmaX=0.01, sigmaY=sigma, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(blurred, float64)
