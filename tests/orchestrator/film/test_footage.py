"""Footage is read in either direction, each frame the right one."""

import random

import pytest

from orchestrator.film.footage import FootageReader
from services.media.timeline import footage_frame
from tests.support.pictures import number_in, numbered_picture, rgb_of, write_footage


def read(reader, number):
    return number_in(rgb_of(reader.frame(number)))


@pytest.mark.parametrize("frames", [1, 2, 12, 13, 31])
def test_back_and_forth(tmp_path, frames):
    footage = write_footage(tmp_path / "footage.mp4", [numbered_picture(number) for number in range(frames)])
    with FootageReader(footage) as reader:
        assert reader.frames == frames
        for film_frame in range(5, 5 + 3 * frames):
            number = footage_frame(film_frame, frames)
            assert read(reader, number) == number


def test_jumps(tmp_path):
    footage = write_footage(tmp_path / "footage.mp4", [numbered_picture(number) for number in range(40)])
    order = random.Random(7).choices(range(40), k=60)
    with FootageReader(footage) as reader:
        assert [read(reader, number) for number in order] == order
