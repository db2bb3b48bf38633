import cv2
import numpy as np

from services.enginekit.progress import Progress
from services.lipsync.footage import CropReader, decoded, opened
from services.lipsync.warp.mouth_track import load_track
from services.lipsync.warp.track import MouthTracker
from tests.support.faces import empty_room, footage, placed, portrait, write_mp4


def followed(path):
    tracker = MouthTracker()
    with opened(path) as container:
        for frame in decoded(container):
            tracker.look(frame)
    return tracker


def test_the_track_keeps_to_the_face_without_jitter(talking_head):
    """The mouth's place in the photograph is one place, however the photograph moves."""
    places, lengths = [], []
    for number, mouth in enumerate(followed(talking_head).mouths()):
        back = cv2.invertAffineTransform(placed(number))
        places.append(back @ (mouth.x, mouth.y, 1))
        lengths.append(mouth.half_width * np.hypot(*back[:, 0]))
    steps = np.diff(places, axis=0)
    mouth_width = 2 * np.mean(lengths)
    assert np.abs(steps).max() < 0.01 * mouth_width
    assert np.std(places, axis=0).max() < 0.01 * mouth_width
    assert np.std(lengths) < 0.01 * mouth_width


def test_a_smile_is_opened_below_the_teeth(talking_head):
    mouth = followed(talking_head).mouths()[0]
    assert mouth.teeth > 0.3
    assert mouth.bend < -0.1  # corners above the middle


def test_a_cut_ends_a_shot(tmp_path):
    left, right = portrait(), np.roll(portrait(), 90, axis=1)
    shots = [*([left] * 9), empty_room(), *([right] * 9)]
    mouths = followed(write_mp4(tmp_path / "cuts.mp4", shots)).mouths()
    assert [mouth is None for mouth in mouths].index(True) == 9
    assert mouths[10].x - mouths[8].x > 80


def test_crops_are_the_same_in_any_order_and_few_are_kept(tmp_path, talking_head):
    track = load_track(footage(talking_head), tmp_path, Progress())
    small = max(3 * box.width * box.height for box in track.boxes) * 4
    with (
        CropReader(talking_head, track.index, track.boxes) as forwards,
        CropReader(talking_head, track.index, track.boxes, keep_bytes=small) as jumping,
    ):
        expected = [np.array(forwards.rgb(number)) for number in range(track.frames)]
        for number in (*reversed(range(track.frames)), 0, 39, 12, 11, 13, 30):
            assert np.array_equal(jumping.rgb(number), expected[number])
            assert jumping.kept_bytes <= small
