"""The mesh of a face: 468 points in a square cut out around it, and whether there is a face in that square at all."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy import float64, uint8
from numpy.typing import NDArray

from services.faces.detection import Detection
from services.faces.networks import Network, sigmoid
from services.faces.picture import Picture, sample
from services.faces.points import CHIN, FOREHEAD, LEFT_EYE, MESH_POINTS, RIGHT_EYE

LEAST_PRESENCE = 0.5
CROP_SIDE = 192
_PASSES = 4  # on a face just detected: turned by any angle, its points then agree within 1.2 % of the eyes' distance
_FACE = slice(CROP_SIDE // 4, -CROP_SIDE // 4)  # rows and columns that the face fills
_DARK, _BRIGHT = 60.0, 110.0  # mean of a face that is brightened, and what it gets
_MARGIN = 1.5  # side of the square, relative to the face's longer side, as the network was trained


@dataclass(frozen=True)
class Region:
    """A turned square: its middle, its side, the angle in radians of a level face's eyes; in pixels of the picture."""

    x: float
    y: float
    side: float
    angle: float

    @classmethod
    def around(cls, points: NDArray[float64], angle: float) -> Region:
        """The square for a face whose outline has these points (n, 2)."""
        axes = np.array(((np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))))
        turned = points @ axes.T
        low, high = turned.min(axis=0), turned.max(axis=0)
        x, y = (low + high) / 2 @ axes
        return cls(float(x), float(y), float((high - low).max()) * _MARGIN, angle)

    @classmethod
    def of(cls, detection: Detection) -> Region:
        """The square for a face that was detected."""
        middle = detection.box[:2] + detection.box[2:] / 2
        side = float(detection.box[2:].max()) * _MARGIN
        return cls(float(middle[0]), float(middle[1]), side, angle_of(*detection.keypoints[:2]))

    def matrix(self, side: int) -> NDArray[float64]:
        """(2, 3): from pixels of a `side` x `side` picture to pixels of the picture."""
        scale = self.side / side
        cosine, sine = scale * np.cos(self.angle), scale * np.sin(self.angle)
        linear = np.array(((cosine, -sine), (sine, cosine)))
        return np.column_stack((linear, (self.x, self.y) - linear @ np.full(2, (side - 1) / 2)))


@dataclass(frozen=True)
class Face:
    """A face. `points` float64 (468, 3): x, y in pixels of the picture, z (towards the back) of the same scale."""

    points: NDArray[float64]
    presence: float

    @cached_property
    def eyes(self) -> NDArray[float64]:
        """Middles of both eyes (2, 2), the picture's left one first."""
        return np.array([self.points[list(eye), :2].mean(axis=0) for eye in (LEFT_EYE, RIGHT_EYE)])

    @cached_property
    def box(self) -> NDArray[float64]:
        """x, y, width, height around all points."""
        low, high = self.points[:, :2].min(axis=0), self.points[:, :2].max(axis=0)
        return np.concatenate((low, high - low))

    @cached_property
    def middle(self) -> NDArray[float64]:
        """Middle of the points, (2,)."""
        return np.asarray(self.points[:, :2].mean(axis=0))

    @cached_property
    def size(self) -> float:
        """Length from forehead to chin in pixels, however the head is turned."""
        return float(np.linalg.norm(self.points[FOREHEAD] - self.points[CHIN]))

    @cached_property
    def yaw(self) -> float:
        """How far the head is turned aside, in degrees: 0 towards the camera, 90 a profile; negative to the left."""
        along = self.points[RIGHT_EYE[1]] - self.points[LEFT_EYE[0]]
        return float(np.degrees(np.arctan2(along[2], np.hypot(along[0], along[1]))))

    @cached_property
    def roll(self) -> float:
        """Angle of the eyes in radians."""
        return angle_of(self.points[LEFT_EYE[0], :2], self.points[RIGHT_EYE[1], :2])

    @cached_property
    def region(self) -> Region:
        """Where to look for the same face in the next picture."""
        return Region.around(self.points[:, :2], self.roll)


@dataclass(frozen=True)
class Fit:
    """A face, with the square in which it was found: uint8 RGB (CROP_SIDE, CROP_SIDE, 3), and its points there."""

    face: Face
    crop: NDArray[uint8]
    local: NDArray[float64]


class FaceMesh:
    """Finds the points of one face. Use one object per thread."""

    def __init__(self) -> None:
        self._network = Network("face_landmark.tflite", CROP_SIDE, ("conv2d_20", "conv2d_30"))

    def fit(self, picture: Picture, region: Region) -> Fit:
        """The face in `region`; one whose presence is below LEAST_PRESENCE is none."""
        matrix = region.matrix(CROP_SIDE)
        crop = cut_out(picture, matrix, CROP_SIDE)
        points, presence = self._network.run(_brightened(crop))
        local = points.reshape(MESH_POINTS, 3)
        placed = local[:, :2] @ matrix[:, :2].T + matrix[:, 2]
        depth = local[:, 2:] * region.side / CROP_SIDE
        face = Face(np.concatenate((placed, depth), axis=1), float(sigmoid(presence).ravel()[0]))
        return Fit(face, crop, local[:, :2])

    def settle(self, picture: Picture, region: Region) -> Fit:
        """The face in a `region` that fits only roughly, as after a detection: looked at until the region fits."""
        fit = self.fit(picture, region)
        for _ in range(_PASSES - 1):
            if fit.face.presence < LEAST_PRESENCE:
                break
            fit = self.fit(picture, fit.face.region)
        return fit


def cut_out(picture: Picture, matrix: NDArray[float64], side: int) -> NDArray[uint8]:
    """uint8 RGB (side, side, 3), whose pixels `matrix` (2, 3) maps into the picture; its edges are repeated beyond."""
    ends = np.array(((0, side - 1, 0, side - 1), (0, 0, side - 1, side - 1), (1, 1, 1, 1)))
    corners = matrix @ ends
    zoom = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    part = sample(picture, corners.min(axis=1), corners.max(axis=1) + 2 * zoom + 2, zoom)
    to_part = part.matrix
    within = to_part[:, :2] @ matrix + ((0, 0, to_part[0, 2]), (0, 0, to_part[1, 2]))
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(part.rgb, within, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE))


def _brightened(crop: NDArray[uint8]) -> NDArray[uint8]:
    """A dark face in the light that the network was trained in."""
    middle = float(crop[_FACE, _FACE].mean())
    return crop if middle >= _DARK else np.asarray(cv2.convertScaleAbs(crop, alpha=_BRIGHT / max(middle, 4.0)), uint8)


def angle_of(left: NDArray[float64], right: NDArray[float64]) -> float:
    """Angle in radians of the line from one point to another."""
    along = right - left
    return float(np.arctan2(along[1], along[0]))
