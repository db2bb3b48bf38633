"""Faces keep their identity: one that turns to its profile and back, and two of which one passes behind the other."""

from __future__ import annotations

import numpy as np
import pytest

from services.faces.picture import RgbPicture
from services.faces.tracking import FaceTracker
from tests.support.heads import passing, turned_aside

STEPS = 50


def tracked(pictures):
    tracker = FaceTracker()
    for picture in pictures:
        tracker.look(RgbPicture(picture))
    return tracker.tracks


@pytest.mark.parametrize("side", [-1, 1])
def test_a_head_that_turns_to_its_profile_and_back_is_one(side):
    degrees = [*range(0, 91, 6), 90, 90, 90, *range(90, -1, -6)]
    (track,) = tracked(turned_aside(side * each) for each in degrees)
    assert len(track.faces) == len(degrees)
    seen = [face is not None for face in track.faces]
    assert all(seen[:11])  # up to 60 degrees
    assert not any(seen[15:19]), "the profile has no lips that could be moved"
    assert all(seen[-10:])
    yaws = [face.yaw for face in track.faces if face]
    assert np.corrcoef(yaws[:11], degrees[:11])[0, 1] * side < -0.9


def test_two_that_cross_keep_who_they_are():
    """Whoever comes out from behind the other one is at first half covered, and looks like nobody."""
    presenter, astronaut = sorted(
        tracked(passing(step, STEPS) for step in range(STEPS + 1)), key=lambda track: track.faces[0].middle[0]
    )
    assert len(presenter.faces) == len(astronaut.faces) == STEPS + 1
    hidden = [face is None for face in presenter.faces]
    assert 0 < sum(hidden) < STEPS // 3
    assert all(astronaut.faces)
    rightwards, leftwards = ([face.middle[0] for face in track.faces if face] for track in (presenter, astronaut))
    assert rightwards[-1] - rightwards[0] > 300
    assert np.all(np.diff(leftwards) < 0)
