import numpy as np
import pytest
from PIL import Image

from services.overlay.plain.animation import RESTING, Pose, animated_frames, pose, posed
from services.overlay.plain.painting import Painted


@pytest.mark.parametrize("kind", ["none", "fade", "pop", "slide"])
def test_every_entrance_ends_at_rest(kind):
    assert pose(kind, 1.0, 50).opacity == 1
    assert pose(kind, 1.0, 50).scale == pytest.approx(1)
    assert pose(kind, 1.0, 50).below_px == pytest.approx(0)


def test_fade_slide_and_pop_by_their_formulas():
    assert pose("fade", 0.5, 50) == Pose(opacity=0.875)
    assert pose("slide", 0.5, 40) == Pose(opacity=0.875, below_px=2.5)
    assert pose("pop", 0.0, 50).scale == pytest.approx(0.8)
    assert max(pose("pop", step / 20, 50).scale for step in range(21)) == pytest.approx(1.02, abs=0.005)


def test_frames_follow_the_frame_rate_and_the_room():
    animation = {"kind": "fade", "frames": 6}
    assert animated_frames(animation, 25, 100) == 6
    assert animated_frames(animation, 50, 100) == 12
    assert animated_frames(animation, 25, 4) == 4
    assert animated_frames({"kind": "none", "frames": 6}, 25, 100) == 0


def test_scaling_bleeds_no_colour_into_the_edges():
    picture = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    picture.paste((255, 0, 0, 255), (10, 10, 30, 30))
    scaled = posed(Painted(picture, 100, 100), Pose(scale=0.83), (500, 500)).pixels()
    assert (scaled[scaled[..., 3] > 30][:, 0] >= 250).all()


def test_a_pose_stays_on_the_canvas():
    picture = Image.new("RGBA", (40, 40), (255, 0, 0, 255))
    low = posed(Painted(picture, 470, 470), Pose(below_px=10, opacity=0.5), (510, 510))
    assert (low.x, low.y, low.picture.size) == (470, 480, (40, 30))
    assert np.asarray(low.picture)[0, 0, 3] == 128
    assert posed(Painted(picture, 1, 2), RESTING, (500, 500)).picture is picture
