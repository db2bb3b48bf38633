"""The cover is one of the film's good frames."""

import cv2
import numpy as np
import pytest
from PIL import Image

from orchestrator.film.cover import write_cover
from tests.support.pictures import noise_picture, number_in, numbered_picture, write_footage


def picture_of(path):
    with Image.open(path) as image:
        assert image.format == "JPEG"
        return np.asarray(image)


def test_sharp_and_lit_beats_blurred_and_dark(tmp_path):
    sharp = noise_picture(192, 320, np.random.default_rng(1))
    sharp = cv2.putText(sharp.copy(), "sharp", (20, 180), cv2.FONT_HERSHEY_DUPLEX, 2, (255, 255, 255), 4)
    blurred, dark = cv2.GaussianBlur(sharp, (0, 0), 12), (sharp * 0.08).astype(np.uint8)
    film = write_footage(tmp_path / "film.mp4", [dark] * 40 + [sharp] * 40 + [blurred] * 40)
    number = write_cover(film, tmp_path / "cover.jpg")
    assert 40 <= number < 80
    assert np.abs(picture_of(tmp_path / "cover.jpg").astype(int) - sharp).mean() < 6


@pytest.mark.parametrize("frames", [1, 2, 9, 30])
def test_short_films_have_a_cover(tmp_path, frames):
    film = write_footage(tmp_path / "film.mp4", [numbered_picture(number) for number in range(frames)])
    number = write_cover(film, tmp_path / "cover.jpg")
    assert number < frames
    assert number_in(picture_of(tmp_path / "cover.jpg")) == number
