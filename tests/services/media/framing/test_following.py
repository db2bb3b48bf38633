"""The crop follows the presenter: who that is, how she is followed, and what is said when she cannot be kept."""

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from services.media.framing.crop import CropPath, is_outside
from services.media.framing.following import LOOKS_HZ, FaceFollower, focus_of
from tests.support.portraits import scaled

TALL = 9 / 16
WIDTH, HEIGHT, FACE = 640, 360, 60
CROP = HEIGHT * TALL / WIDTH  # its width as a share of the picture's
FASTEST = 0.8 * CROP / LOOKS_HZ  # from one picture to the next


def scene(*faces: tuple[float, float], width: int = WIDTH) -> np.ndarray:
    """A grey room with faces, each a fraction of the room's width from its left, and that many pixels wide."""
    room = np.empty((HEIGHT, width, 3), np.uint8)
    room[:] = (90, 100, 110)
    for x, size in faces:
        half = round(1.6 * size)
        left = round(x * width) - half
        person = scaled(size, half, 150, 2 * half, HEIGHT).rgb
        first, last = max(0, left), min(width, left + 2 * half)
        room[:, first:last] = person[:, first - left : last - left]
    return room


def followed(pictures: Sequence[np.ndarray], focus: tuple[float, float] | None = None) -> CropPath:
    follower = FaceFollower(LOOKS_HZ)
    for picture in pictures:
        luma = cv2.resize(picture[..., 1], (64, 36), interpolation=cv2.INTER_AREA)
        follower.look(luma, picture if follower.wants else None)
    return follower.path(TALL, focus)


@pytest.mark.parametrize("x", [0.06, 0.2, 0.35, 0.5, 0.8, 0.93])
@pytest.mark.parametrize("face", [100, 200])
def test_a_face_of_100_pixels_in_1080p_counts_wherever_it_is(x, face):
    picture = scaled(face, x * 1920, 400, 1920, 1080).rgb
    path = focus_of(picture, TALL, None)
    assert path.at(0)[0] == pytest.approx(x, abs=0.01)
    assert path.notes == ()


@pytest.mark.parametrize(
    ("before", "then", "kept"),
    [
        (((0.25, 90), (0.75, 60)), (), 0.25),
        (((0.25, 60), (0.75, 90)), (), 0.75),
        (((0.35, 60), (0.93, 60)), (), 0.35),
        (((0.07, 60), (0.6, 60)), (), 0.6),
        (((0.25, 60), (0.75, 60)), ((0.25, 60),), 0.25),
        (((0.25, 60), (0.75, 60)), ((0.75, 60),), 0.75),
    ],
    ids=["larger left", "larger right", "central left", "central right", "longer left", "longer right"],
)
def test_of_two_faces_the_presenter_is_the_largest_most_central_and_longest(before, then, kept):
    path = followed([scene(*before)] * 4 + [scene(*(then or before))] * 8)
    assert path.places[:, 0] == pytest.approx(np.full(12, kept), abs=0.02)


WALKS = {
    "to the right": np.linspace(0.2, 0.8, 24),
    "to the left": np.linspace(0.8, 0.2, 24),
    "there and back": np.concatenate([np.linspace(0.3, 0.7, 14), np.linspace(0.7, 0.3, 14)]),
    "standing, then walking": np.concatenate([np.full(12, 0.3), np.linspace(0.3, 0.7, 14)]),
    "walking, then standing": np.concatenate([np.linspace(0.7, 0.3, 14), np.full(12, 0.3)]),
}


@pytest.mark.parametrize("name", WALKS)
def test_a_presenter_who_walks_is_followed_smoothly(name):
    way = WALKS[name]
    path = followed([scene((x, FACE)) for x in way])
    steps = np.diff(path.places[:, 0])
    assert np.abs(path.places[:, 0] - way).max() < CROP / 2 - FACE / WIDTH / 2  # the whole face is in the crop
    assert path.notes == ()
    assert np.abs(steps).max() <= FASTEST * 1.001
    assert np.abs(np.diff(steps)).max() < FASTEST / 3
    assert np.ptp(path.places[:, 1]) == 0


@pytest.mark.parametrize("sway", [0.0, 0.1, 0.2])
def test_a_presenter_who_sways_is_not_followed(sway):
    way = 0.4 + sway * CROP / 2 * np.sin(np.arange(20))
    assert np.ptp(followed([scene((x, FACE)) for x in way]).places, axis=0) == pytest.approx([0, 0])


def test_at_a_cut_the_crop_is_at_the_new_place_at_once():
    other = np.clip(scene((0.8, FACE)).astype(int) + 60, 0, 255).astype(np.uint8)
    path = followed([scene((0.2, FACE))] * 9 + [other] * 9)
    assert path.places[:9, 0] == pytest.approx(np.full(9, 0.2), abs=0.02)
    assert path.places[9:, 0] == pytest.approx(np.full(9, 0.8), abs=0.02)


def test_where_nobody_is_the_middle_is_kept():
    path = followed([scene()] * 4)
    assert (path.at(0), path.notes) == ((0.5, 0.5), ())


@pytest.mark.parametrize("focus", [(0.3, 0.4), (0.25, 0.0), (0.35, 1.0)])
def test_a_focus_that_holds_the_presenter_is_kept_without_a_word(focus):
    path = followed([scene((0.3, FACE))] * 4, focus)
    assert ({path.at(picture) for picture in range(4)}, path.notes) == ({focus}, ())


@pytest.mark.parametrize(
    ("way", "when"),
    [
        ([0.3] * 10, "from 0.0 to 1.6 s;"),
        ([0.8] * 10 + [0.3] * 10, "from 1.6 to 3.2 s;"),
        (([0.3] * 5 + [0.8] * 5) * 2, "from 0.0 to 0.8 s, 1.6 to 2.4 s;"),
        (([0.3] * 4 + [0.8] * 4) * 5, "and 2 times more;"),
        ([0.3], "crop;"),
    ],
    ids=["always", "at the end", "twice", "five times", "a picture"],
)
def test_a_presenter_who_falls_outside_is_told_with_the_time_and_a_remedy(way, when):
    (note,) = followed([scene((x, FACE)) for x in way], (0.8, 0.5)).notes
    assert is_outside(note)
    assert when in note
    assert "`focus`" in note


def test_a_leap_that_no_camera_follows_is_told():
    """Within one shot: the crop would have to fly."""
    way = np.concatenate([np.full(10, 0.1), np.linspace(0.1, 0.9, 5), np.full(10, 0.9)])
    path = followed([scene((x, FACE)) for x in way])
    assert np.abs(np.diff(path.places[:, 0])).max() <= FASTEST * 1.001
    assert is_outside(" ".join(path.notes))
