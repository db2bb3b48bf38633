"""Pasting and blending change what they should, by how much they should, and nothing else."""

import numpy as np
import pytest

from orchestrator.film.blend import Layer, paste
from services.media.yuv import copy_planes, new_frame, planes_of
from tests.support.pictures import noise_picture, rgb_of, yuv_frame

WIDTH, HEIGHT = 160, 120
BOXES = [(40, 30, 50, 40), (41, 31, 50, 40), (40, 31, 51, 41), (41, 30, 51, 41), (0, 0, 160, 120), (13, 7, 1, 1)]
OUTSIDE_IN_PART = [(-7, -5, 40, 30), (141, 101, 40, 30), (-5, 40, 300, 11)]


@pytest.fixture
def background():
    return yuv_frame(noise_picture(WIDTH, HEIGHT, np.random.default_rng(3)))


def copy_of(frame):
    twin = new_frame(frame.width, frame.height)
    copy_planes(frame, planes_of(twin))
    return twin


def covered(x, y, width, height, step):
    """Which samples of a plane with one sample for `step` x `step` pixels the box touches."""
    touched = np.zeros((HEIGHT, WIDTH), bool)
    touched[max(y, 0) : max(y + height, 0), max(x, 0) : max(x + width, 0)] = True
    return touched.reshape(HEIGHT // step, step, WIDTH // step, step).any(axis=(1, 3))


def assert_unchanged_outside(before, after, box):
    for plane, old, step in zip(planes_of(after), planes_of(before), (1, 2, 2), strict=True):
        outside = ~covered(*box, step)
        np.testing.assert_array_equal(plane[outside], old[outside])


@pytest.mark.parametrize("box", BOXES + OUTSIDE_IN_PART)
def test_paste_leaves_the_outside_alone(background, box):
    after = copy_of(background)
    x, y, width, height = box
    paste(planes_of(after), x, y, noise_picture(width, height, np.random.default_rng(4)))
    assert_unchanged_outside(background, after, box)


@pytest.mark.parametrize("box", BOXES[:4])
@pytest.mark.parametrize("colour", [(255, 255, 255), (0, 0, 0), (200, 40, 90), (0, 0, 255), (10, 250, 20)])
def test_paste_shows_its_colour(background, box, colour):
    after = copy_of(background)
    x, y, width, height = box
    paste(planes_of(after), x, y, np.full((height, width, 3), colour, np.uint8))
    inside = rgb_of(after).astype(int)[y + 2 : y + height - 2, x + 2 : x + width - 2]
    assert np.abs(inside - colour).max() <= 2


@pytest.mark.parametrize("place", [(20, 32), (21, 33)])
def test_paste_of_its_own_pixels_changes_next_to_nothing(background, place):
    """An engine reads RGB and gives back RGB; where it changed nothing the film must not change either."""
    after = copy_of(background)
    x, y = place
    paste(planes_of(after), x, y, rgb_of(background)[y : y + 60, x : x + 80])
    for new, old in zip(planes_of(after), planes_of(background), strict=True):
        change = np.abs(new.astype(int) - old)
        assert change.max() <= 1
        assert change.mean() < 0.02


def test_paste_mixes_chroma_on_an_odd_edge():
    frame = yuv_frame(np.full((HEIGHT, WIDTH, 3), 128, np.uint8))
    paste(planes_of(frame), 41, 31, np.full((20, 20, 3), (0, 0, 255), np.uint8))
    blue = planes_of(frame).u.astype(int)
    whole = blue[20, 25] - 128
    assert whole > 100
    assert blue[20, 20] - 128 == pytest.approx(whole / 2, abs=1)
    assert blue[15, 25] - 128 == pytest.approx(whole / 2, abs=1)
    assert blue[15, 20] - 128 == pytest.approx(whole / 4, abs=1)


@pytest.mark.parametrize("box", BOXES + OUTSIDE_IN_PART)
def test_layer_leaves_the_outside_alone(background, box):
    after = copy_of(background)
    x, y, width, height = box
    random = np.random.default_rng(5)
    rgba = random.integers(0, 256, (height, width, 4), dtype=np.uint8)
    Layer(x, y, rgba, (HEIGHT, WIDTH)).blend(planes_of(after))
    assert_unchanged_outside(background, after, box)


@pytest.mark.parametrize("alpha", [0, 1, 64, 128, 200, 254, 255])
@pytest.mark.parametrize("box", BOXES[:4])
def test_layer_blends_within_two_levels(box, alpha):
    """Against the same blend of 8-bit RGB in floating point."""
    below, above = np.array([180, 60, 30]), np.array([20, 220, 250])
    frame = yuv_frame(np.full((HEIGHT, WIDTH, 3), below, np.uint8))
    x, y, width, height = box
    rgba = np.empty((height, width, 4), np.uint8)
    rgba[..., :3], rgba[..., 3] = above, alpha
    Layer(x, y, rgba, (HEIGHT, WIDTH)).blend(planes_of(frame))
    inside = rgb_of(frame).astype(int)[y + 2 : y + height - 2, x + 2 : x + width - 2]
    expected = (above * alpha + below * (255 - alpha)) / 255
    assert np.abs(inside - expected).max() <= 4  # two levels of chroma are four of blue


@pytest.mark.parametrize("alpha", [1, 64, 128, 254])
def test_layer_blends_each_plane_within_a_level(alpha):
    below, above = (
        yuv_frame(np.full((HEIGHT, WIDTH, 3), colour, np.uint8)) for colour in ((180, 60, 30), (20, 220, 250))
    )
    expected = [
        (over.astype(float) * alpha + under.astype(float) * (255 - alpha)) / 255
        for under, over in zip(planes_of(below), planes_of(above), strict=True)
    ]
    rgba = np.full((HEIGHT, WIDTH, 4), (20, 220, 250, alpha), np.uint8)
    Layer(0, 0, rgba, (HEIGHT, WIDTH)).blend(planes_of(below))
    for plane, values in zip(planes_of(below), expected, strict=True):
        assert np.abs(plane - values).max() <= 1.01


def test_layer_blends_luma_within_two_levels_of_any_picture(background):
    random = np.random.default_rng(6)
    rgba = random.integers(0, 256, (60, 80, 4), dtype=np.uint8)
    after = copy_of(background)
    Layer(31, 17, rgba, (HEIGHT, WIDTH)).blend(planes_of(after))
    red, green, blue, alpha = (rgba[..., channel].astype(float) for channel in range(4))
    luma = 16 + 219 / 255 * (0.2126 * red + 0.7152 * green + 0.0722 * blue)
    below = planes_of(background).y[17:77, 31:111]
    expected = (luma * alpha + below * (255 - alpha)) / 255
    assert np.abs(planes_of(after).y[17:77, 31:111] - expected).max() <= 2


def test_transparent_layer_changes_nothing(background):
    after = copy_of(background)
    Layer(3, 5, np.zeros((50, 50, 4), np.uint8), (HEIGHT, WIDTH)).blend(planes_of(after))
    assert_unchanged_outside(background, after, (0, 0, 0, 0))
