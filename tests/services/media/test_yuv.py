"""Our conversion agrees with swscale's, which the engines read footage with."""

import numpy as np

from services.media.yuv import planes_of
from tests.support.pictures import noise_picture, rgb_of, yuv_frame


def test_colours_read_back_as_they_were():
    colours = np.random.default_rng(1).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    picture = np.repeat(np.repeat(colours, 4, axis=0), 4, axis=1)
    read = rgb_of(yuv_frame(picture))
    assert np.abs(read.astype(int) - picture).max() <= 3


def test_limits_of_the_range():
    white, black = (planes_of(yuv_frame(np.full((2, 2, 3), level, np.uint8))) for level in (255, 0))
    assert (white.y.max(), black.y.min()) == (235, 16)
    assert {int(plane[0, 0]) for plane in (*white[1:], *black[1:])} == {128}


def test_planes_are_views():
    frame = yuv_frame(noise_picture(36, 20, np.random.default_rng(2)))
    planes_of(frame).y[3, 5] = 77
    assert planes_of(frame).y[3, 5] == 77
