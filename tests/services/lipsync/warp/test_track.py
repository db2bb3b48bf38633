import cv2
import numpy as np

from services.enginekit.progress import Progress
from services.lipsync.footage import CropReader
from services.lipsync.warp.contour import curve_at
from services.lipsync.warp.mouth_track import load_track
from tests.support.faces import PRESENTER, empty_room, footage, placed, portrait, write_mp4


def tracked(path, cache_root):
    return load_track(footage(path), cache_root, Progress())


def test_the_track_keeps_to_the_face_without_jitter(talking_head, cache_root):
    """The mouth's place in the photograph is one place, however the photograph moves."""
    places, lengths = [], []
    for number, mouth in enumerate(tracked(talking_head, cache_root).mouths):
        back = cv2.invertAffineTransform(placed(number))
        places.append(back @ (mouth.x, mouth.y, 1))
        lengths.append((mouth.left + mouth.right) * np.hypot(*back[:, 0]))
    steps = np.diff(places, axis=0)
    assert np.abs(steps).max() < 0.01 * np.mean(lengths)
    assert np.std(places, axis=0).max() < 0.01 * np.mean(lengths)
    assert np.std(lengths) < 0.01 * np.mean(lengths)


def test_a_smile_is_known_with_its_teeth(talking_head, cache_root):
    for mouth in tracked(talking_head, cache_root).mouths:
        assert mouth.teeth > 0.8
        assert mouth.gap > 0.2
        assert mouth.bottom[0] > mouth.top[0] > 0  # corners above the middle


def test_closed_lips_meet_in_their_dark_line(cache_root):
    """The drawn presenter's lips meet where they are drawn, below where the mesh expects it."""
    track = tracked(PRESENTER, cache_root)
    mouth = track.mouths[0]
    assert mouth.gap == 0
    with CropReader(PRESENTER, track.index, track.boxes) as crops:
        box, crop = track.boxes[0], crops.rgb(0)
    away = []
    for u in np.linspace(-0.6, 0.6, 7, dtype=np.float32):
        x = round(mouth.x + u * (mouth.left if u < 0 else mouth.right)) - box.x
        row = round(mouth.y + float(curve_at(mouth.top, u)) * mouth.unit) - box.y
        away.append(abs(int(crop[row - 10 : row + 11, x].sum(axis=1).argmin()) - 10))
    assert np.mean(away) <= 2  # rows of 1920; a curve of three numbers leaves out the notch in the middle


def test_a_cut_ends_a_shot(tmp_path):
    left, right = portrait(), np.roll(portrait(), 90, axis=1)
    shots = [*([left] * 9), empty_room(), *([right] * 9)]
    mouths = tracked(write_mp4(tmp_path / "cuts.mp4", shots), tmp_path).mouths
    assert [number for number, mouth in enumerate(mouths) if mouth is None] == [9]
    assert mouths[10].x - mouths[8].x > 80
    assert max(abs(mouth.x - mouths[8].x) for mouth in mouths[:9]) < 1


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
