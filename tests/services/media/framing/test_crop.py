"""Where a crop may lie, and how a maker says what it keeps."""

import pytest

from services.media.framing.crop import Crop, cover, parsed_focus


@pytest.mark.parametrize(
    ("size", "aspect", "focus", "crop"),
    [
        ((1920, 1080), 9 / 16, (0.5, 0.5), Crop(656.25, 0, 607.5, 1080)),
        ((1920, 1080), 9 / 16, (0.0, 0.5), Crop(0, 0, 607.5, 1080)),
        ((1920, 1080), 9 / 16, (1.0, 0.0), Crop(1312.5, 0, 607.5, 1080)),
        ((1080, 1920), 16 / 9, (0.2, 0.3), Crop(0, 272.25, 1080, 607.5)),
        ((1080, 1920), 16 / 9, (0.2, 0.99), Crop(0, 1312.5, 1080, 607.5)),
        ((640, 640), 1.0, (0.9, 0.1), Crop(0, 0, 640, 640)),
    ],
)
def test_a_crop_covers_the_canvas_and_stays_in_the_picture(size, aspect, focus, crop):
    assert cover(*size, aspect, focus) == crop


@pytest.mark.parametrize(
    ("text", "focus"),
    [("", None), ("  ", None), ("0.3,0.4", (0.3, 0.4)), (" 0 , 1 ", (0, 1)), ("1e-1,.5", (0.1, 0.5))],
)
def test_a_focus_is_two_shares(text, focus):
    assert parsed_focus(text) == focus


@pytest.mark.parametrize(
    "text", ["0.3", "0.3,0.4,0.5", "left", "0.3;0.4", "1.1,0.5", "-0.1,0.5", "nan,0.5", "0.5,inf", "30%,40%", ",0" * 30]
)
def test_what_is_no_focus_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match=r"such as 0\.3,0\.4"):
        parsed_focus(text)
