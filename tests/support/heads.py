"""Heads that move: a photograph on the mesh that was found in it, turned aside, and two that pass one another."""

from __future__ import annotations

from functools import cache

import av
import cv2
import numpy as np
from numpy import bool_, float64, int32, int64, uint8
from numpy.typing import NDArray
from scipy.spatial import Delaunay
from skimage.data import astronaut

from services.faces.detection import FaceDetector
from services.faces.mesh import Face, FaceMesh, Region
from services.faces.picture import RgbPicture
from services.faces.points import OVAL
from tests.support.faces import PRESENTER

WALL = 120

_RINGS = ((1.12, 0.45), (1.2, 0.9))
"""What lies behind the outline of the face, as a share of its distance from the middle, and of the face's size."""


@cache
def _head() -> tuple[NDArray[float64], NDArray[int64]]:
    """Points (n, 3) of the astronaut's head around the middle of the face's outline, and triangles (m, 3) of them."""
    face = _face()
    outline = face.points[list(OVAL)]
    middle = outline.mean(axis=0)
    rings = [(outline - middle) * (wide, wide, 1) + middle + (0, 0, deep * face.size) for wide, deep in _RINGS]
    points = np.concatenate([face.points, *rings])
    return points, Delaunay(points[:, :2]).simplices.astype(int64)


def passing(step: int, steps: int, width: int = 640, height: int = 300) -> NDArray[uint8]:
    """uint8 RGB picture of two who pass one another: she comes from the right, in front of the demo's presenter."""
    picture = np.full((height, width, 3), WALL, uint8)
    (her, mask), other = _her(), _presenter(_her()[0].shape[0])
    way = width - 60
    left = round(20 + (way - other.shape[1]) * step / steps)
    picture[60 : 60 + other.shape[0], left : left + other.shape[1]] = other
    left = round(width - 40 - her.shape[1] - (way - her.shape[1]) * step / steps)
    picture[66 : 66 + her.shape[0], left : left + her.shape[1]][mask] = her[mask]
    return picture


@cache
def _her() -> tuple[NDArray[uint8], NDArray[bool_]]:
    """Her head from the front, and where it is in the picture."""
    picture = turned_aside(0)
    mask = (picture != WALL).any(axis=2)
    x, y, width, height = cv2.boundingRect(mask.astype(uint8))
    part = np.s_[y : y + height, x : x + width]
    return picture[part], mask[part]


@cache
def _presenter(height: int) -> NDArray[uint8]:
    with av.open(str(PRESENTER)) as container:
        rgb = next(container.decode(video=0)).to_ndarray(format="rgb24")
    (detection,) = FaceDetector().detect(RgbPicture(rgb))
    x, y, side, _ = detection.box.astype(int)
    head = rgb[y - round(0.45 * side) : y + round(1.2 * side), x - round(0.35 * side) : x + round(1.35 * side)]
    zoom = height / len(head)
    return np.asarray(cv2.resize(head, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA))


def _face() -> Face:
    picture = RgbPicture(astronaut())
    (detection,) = FaceDetector().detect(picture)
    return FaceMesh().settle(picture, Region.of(detection)).face


def turned_aside(degrees: float, width: int = 320, height: int = 320, zoom: float = 1.3) -> NDArray[uint8]:
    """uint8 RGB picture of her head turned by `degrees` about the vertical, in front of a wall of the grey WALL."""
    points, triangles = _head()
    middle = points[list(OVAL)].mean(axis=0)
    middle[2] += 0.5 * np.ptp(points[:, 2])
    angle = np.radians(degrees)
    turn = np.array(((np.cos(angle), 0, np.sin(angle)), (0, 1, 0), (-np.sin(angle), 0, np.cos(angle))))
    seen = (points - middle) @ turn.T * zoom + (width / 2, height / 2, 0)
    far_first = triangles[np.argsort(-seen[triangles, 2].mean(axis=1))]
    return _painted(seen[:, :2], points[:, :2], far_first, width, height)


def _painted(
    seen: NDArray[float64], source: NDArray[float64], triangles: NDArray[int64], width: int, height: int
) -> NDArray[uint8]:
    """The photograph's triangles at `source` drawn at `seen`, later ones over earlier ones."""
    owner = np.full((height, width), -1, int32)
    for number, corners in enumerate(triangles):
        cv2.fillConvexPoly(owner, np.rint(seen[corners]).astype(int32), number)
    matrices = [_affine(seen[corners], source[corners]) for corners in triangles]
    rows, columns = np.nonzero(owner >= 0)
    where = np.stack([columns, rows, np.ones(len(rows))], axis=1)
    back = np.einsum("nij,nj->ni", np.array(matrices)[owner[rows, columns]], where)
    picture = np.full((height, width, 3), WALL, uint8)
    columns_back, rows_back = np.clip(np.rint(back), 0, 511).astype(int).T
    picture[rows, columns] = astronaut()[rows_back, columns_back]
    return np.asarray(cv2.GaussianBlur(picture, (3, 3), 0), uint8)


def _affine(seen: NDArray[float64], source: NDArray[float64]) -> NDArray[float64]:
    """(2, 3): from what is seen to the photograph; least squares, as a triangle may be seen as a line."""
    where = np.column_stack((seen, np.ones(3)))
    return np.asarray(np.linalg.lstsq(where, source, rcond=None)[0].T)
