import cv2
import numpy as np
import pytest
import torch

from services.lipsync.latentsync.face.crop import crop_matrix, crop_size, shifted
from services.lipsync.latentsync.face.mask import blend_weights, keep_mask, latent_mask
from services.lipsync.latentsync.face.restore import Restorer
from services.lipsync.latentsync.face.warp import to_square

CPU = torch.device("cpu")
POINTS = [(300, 200), (352, 206), (327, 236)]


def photograph(width=640, height=480):
    """Smooth enough that resampling keeps it."""
    noise = np.random.default_rng(5).integers(0, 256, (height // 16, width // 16, 3), np.uint8)
    return cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)


def test_the_mask_has_the_published_area():
    keep = keep_mask(256)
    assert (keep == 0).float().mean() == pytest.approx(0.4070, abs=1e-3)
    assert set(keep.unique().tolist()) == {0.0, 1.0}
    assert ((keep_mask(512) > 0) & (keep_mask(512) < 1)).float().mean() == pytest.approx(0.035, abs=5e-3)


def test_the_latent_mask_takes_every_eighth_pixel():
    keep = keep_mask(256)
    assert latent_mask(keep).shape == (32, 32)
    assert latent_mask(keep)[20, 10] == keep[160, 80]


@pytest.mark.parametrize("resolution", [64, 256, 512])
def test_blending_stays_inside_the_mask(resolution):
    keep = keep_mask(resolution)
    weights = blend_weights(keep)
    assert weights[keep > 0].max() == 0
    assert weights.max() == 1


@pytest.mark.parametrize("resolution", [256, 512])
def test_the_crop_shows_the_landmarks_where_the_template_has_them(resolution):
    frame = np.zeros((480, 640, 3), np.uint8)
    for x, y in POINTS:
        cv2.circle(frame, (x, y), 3, (255, 255, 255), -1)
    matrix = crop_matrix(POINTS, resolution)
    square = to_square(frame, matrix, resolution, CPU)
    width, height = crop_size(resolution)
    for point in POINTS:
        x, y = matrix @ (*point, 1)
        column, row = (x + 0.5) * resolution / width - 0.5, (y + 0.5) * resolution / height - 0.5
        assert square[:, round(row), round(column)].min() > 0.9
    assert square.mean() < -0.9


def test_the_crop_equals_opencv_to_its_own_precision():
    frame, matrix = photograph(), crop_matrix(POINTS, 256)
    crop = cv2.warpAffine(frame.astype(np.float32), matrix, crop_size(256), borderValue=(127, 127, 127))
    expected = cv2.resize(crop, (256, 256), interpolation=cv2.INTER_CUBIC)
    actual = (to_square(frame, matrix, 256, CPU).permute(1, 2, 0).numpy() + 1) * 127.5
    assert np.abs(actual - expected).mean() < 0.5


def test_beyond_the_frame_is_grey():
    matrix = crop_matrix([(5, 5), (57, 5), (31, 30)], 256)
    square = to_square(photograph(), matrix, 256, CPU)
    assert square[:, 0, 0].tolist() == pytest.approx([127 / 127.5 - 1] * 3, abs=1e-5)


@pytest.mark.parametrize(("resolution", "spread"), [(256, 1), (512, 1), (256, 3), (512, 0.4)])
def test_an_unchanged_face_comes_back_where_it_was(resolution, spread):
    frame = photograph()
    points = np.array((320, 220)) + (np.array(POINTS) - (320, 220)) * spread
    matrix = crop_matrix(points, resolution)
    restorer = Restorer(blend_weights(keep_mask(resolution)))
    box = restorer.box(matrix, 640, 480)
    old = frame[box.y : box.y + box.height, box.x : box.x + box.width]
    pixels = restorer.paste(old, to_square(frame, matrix, resolution, CPU), shifted(matrix, box.x, box.y))
    assert np.abs(pixels.astype(int) - old).mean() < 1.5


@pytest.mark.parametrize("resolution", [256, 512])
def test_only_the_mouth_changes_and_nothing_outside_the_box(resolution):
    frame, matrix = photograph(), crop_matrix(POINTS, resolution)
    keep = keep_mask(resolution)
    restorer = Restorer(blend_weights(keep))
    box = restorer.box(matrix, 640, 480)
    black = -torch.ones(3, resolution, resolution)
    changed = (restorer.paste(frame, black, matrix) != frame).any(axis=2)
    rows, columns = changed.nonzero()
    assert box.y <= rows.min() <= rows.max() < box.y + box.height
    assert box.x <= columns.min() <= columns.max() < box.x + box.width
    width, height = crop_size(resolution)
    x, y = matrix @ np.stack((columns, rows, np.ones_like(rows)))
    inside = keep[((y + 0.5) / height * resolution).astype(int), ((x + 0.5) / width * resolution).astype(int)]
    assert inside.max() == 0
    assert changed.sum() > 1000


def test_a_mouth_at_the_border_is_clipped():
    matrix = crop_matrix([(2, 440), (54, 446), (29, 470)], 256)
    restorer = Restorer(blend_weights(keep_mask(256)))
    box = restorer.box(matrix, 640, 480)
    assert box.x >= 0
    assert box.y + box.height <= 480
    assert box.width > 0
    assert restorer.box(crop_matrix([(2, 740), (54, 746), (29, 770)], 256), 640, 480) is None


@pytest.mark.parametrize("resolution", [256, 512])
def test_a_face_far_out_in_a_large_frame_is_placed_as_exactly(resolution):
    """Half-precision geometry, as published on a GPU, moves such a face by up to a pixel."""
    face, far = photograph(), np.array((3100, 1600))
    frame = np.zeros((2160, 3840, 3), np.uint8)
    frame[far[1] : far[1] + 480, far[0] : far[0] + 640] = face
    near = to_square(face, crop_matrix(POINTS, resolution), resolution, CPU)
    there = to_square(frame, crop_matrix(POINTS + far, resolution), resolution, CPU)
    assert (there - near).abs().max() * 127.5 < 0.5
