"""The faces of twenty variants of one photograph, and where their points lie."""

import numpy as np
import pytest
from skimage.data import astronaut

from services.faces.detection import FaceDetector
from services.faces.mesh import LEAST_PRESENCE, FaceMesh, Region
from services.faces.picture import RgbPicture
from tests.support.portraits import FACE_XY, VARIANTS

NEAR = {"turned by": 0.03, "face of 100": 0.03, "darkened": 0.03, "noisy": 0.03, "overexposed": 0.03, "grey": 0.03}
"""Distance of points from where they are upright, as a share of the eyes' distance, for what shows the face whole."""


def faces_of(rgb):
    """Every face, by its middle."""
    picture, mesh = RgbPicture(rgb), FaceMesh()
    found = [mesh.settle(picture, Region.of(detection)).face for detection in FaceDetector().detect(picture)]
    return [face for face in found if face.presence >= LEAST_PRESENCE]


@pytest.fixture(scope="module")
def upright():
    (face,) = faces_of(astronaut())
    return face


def test_there_are_twenty_variants():
    assert len(VARIANTS) == 20


@pytest.mark.parametrize("name", VARIANTS)
def test_the_face_is_found_and_its_points_lie_where_the_photograph_has_them(name, upright):
    portrait = VARIANTS[name]()
    turn, shift = portrait.matrix[:, :2], portrait.matrix[:, 2]
    scale = np.sqrt(abs(np.linalg.det(turn)))
    eyes = float(np.linalg.norm(upright.eyes[1] - upright.eyes[0])) * scale
    where = turn @ FACE_XY + shift
    face = min(faces_of(portrait.rgb), key=lambda each: float(np.linalg.norm(each.middle - where)))
    assert np.linalg.norm(face.middle - where) < eyes
    expected = upright.points[:, :2] @ turn.T + shift
    away = np.linalg.norm(face.points[:, :2] - expected, axis=1).mean() / eyes
    limit = next((most for words, most in NEAR.items() if name.startswith(words)), None)
    assert limit is None or away <= limit
