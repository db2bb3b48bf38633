import av
import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from services.base.errors import FailedPreconditionError
from services.enginekit.progress import Progress
from services.enginekit.settings import EngineSettings
from services.lipsync.engine import Box
from services.lipsync.latentsync.engine import LatentSyncEngine
from services.lipsync.latentsync.face.crop import crop_matrix, scale_of
from services.lipsync.latentsync.face.insightface import InsightFaceLandmarks, Landmarks
from services.lipsync.latentsync.face.landmarks import INSIGHTFACE, MeshLandmarks, landmark_provider
from services.lipsync.latentsync.face.tracker import FlowTracker
from tests.checkpoints.latentsync import write_latentsync
from tests.services.lipsync.latentsync.conftest import moving

CPU = torch.device("cpu")
STRIDES = (8, 16, 32)


def frame_of(picture):
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24").reformat(format="yuv420p")


def constant_model(path, input_shape, outputs):
    """A network that answers every picture with the same numbers."""
    nodes = [
        helper.make_node("Constant", [], [f"out{i}"], value=numpy_helper.from_array(value))
        for i, value in enumerate(outputs)
    ]
    infos = [
        helper.make_tensor_value_info(f"out{i}", TensorProto.FLOAT, value.shape) for i, value in enumerate(outputs)
    ]
    pixels = helper.make_tensor_value_info("input.1", TensorProto.FLOAT, input_shape)
    graph = helper.make_graph(nodes, "constant", [pixels], infos)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)


def write_insightface(folder, boxes, landmarks):
    """`boxes`: (level, row, column, score, left, top, right, bottom), distances in strides."""
    folder.mkdir()
    cells = [512 // stride for stride in STRIDES]
    scores = [np.zeros((side * side * 2, 1), np.float32) for side in cells]
    distances = [np.zeros((side * side * 2, 4), np.float32) for side in cells]
    points = [np.zeros((side * side * 2, 10), np.float32) for side in cells]
    for level, row, column, score, *edges in boxes:
        anchor = (row * cells[level] + column) * 2
        scores[level][anchor] = score
        distances[level][anchor] = edges
    constant_model(folder / "det_10g.onnx", (1, 3, "h", "w"), scores + distances + points)
    constant_model(folder / "2d106det.onnx", ("n", 3, 192, 192), [landmarks.reshape(1, 212).astype(np.float32)])


@pytest.fixture
def landmarks():
    places = np.zeros((106, 2))
    places[[43, 48, 49, 50, 51]] = (-0.5, -0.25)
    places[101:106] = (0.5, -0.25)
    places[[74, 77, 83, 86]] = (0.0, 0.25)
    return places


def test_insightface_outputs_become_points_in_the_frame(tmp_path, landmarks):
    boxes = [
        (1, 10, 12, 0.9, 2, 2, 2, 4),  # 160..224 x 128..224 of the detector's picture
        (1, 10, 13, 0.8, 3, 2, 1, 4),  # the same face again
        (2, 4, 12, 0.7, 1, 1, 1, 1),  # another one, smaller
        (0, 40, 40, 0.3, 2, 2, 2, 2),  # too unsure
        (0, 8, 8, 0.9, 0, 0, 0, 0),  # sure, but of no size
    ]
    write_insightface(tmp_path / INSIGHTFACE, boxes, landmarks)
    found = landmark_provider(tmp_path, CPU).find(frame_of(np.zeros((720, 1280, 3), np.uint8)))
    assert [face.weight for face in found] == pytest.approx([0.9, 0.7])
    np.testing.assert_allclose(found[0].box, np.array((160, 128, 64, 96)) / 0.4)
    centre, reach = np.array((192, 176)) / 0.4, 96 / 0.4 * 1.5 / 2
    expected = centre + reach * np.array(((-0.5, -0.25), (0.5, -0.25), (0, 0.25)))
    np.testing.assert_allclose(found[0].points, expected, rtol=1e-6)


@pytest.mark.parametrize("content", [None, b"no model"])
def test_insightface_files_that_are_none(tmp_path, content):
    (tmp_path / INSIGHTFACE).mkdir()
    if content:
        (tmp_path / INSIGHTFACE / "det_10g.onnx").write_bytes(content)
    with pytest.raises(FailedPreconditionError) as caught:
        InsightFaceLandmarks(tmp_path / INSIGHTFACE, CPU)
    assert caught.value.reason == "LANDMARKS_UNAVAILABLE"


def engine_of(folder, cache_root):
    return LatentSyncEngine(EngineSettings(checkpoint=folder, cache_root=cache_root))


def test_insightface_is_used_from_any_checkpoint_and_keeps_its_own_findings(tmp_path, footage, landmarks):
    models = tmp_path / "models"
    write_latentsync(models / "small")
    write_latentsync(models / "large", resolution=128)
    (before,) = engine_of(models, tmp_path / "cache").prepare(footage, Progress())
    write_insightface(models / "small" / INSIGHTFACE, [(1, 10, 12, 0.9, 2, 2, 2, 4)], landmarks)
    (after,) = engine_of(models, tmp_path / "cache").prepare(footage, Progress())
    assert before.frames_without_face == 4
    assert after.frames_without_face == 0
    assert after.face == Box(100, 80, 40, 60)  # of 320 pixels, where the detector's picture has 512


def test_an_incomplete_insightface_folder_is_told_at_the_start(tmp_path):
    (write_latentsync(tmp_path / "checkpoint") / INSIGHTFACE).mkdir()
    with pytest.raises(FailedPreconditionError) as caught:
        engine_of(tmp_path / "checkpoint", tmp_path / "cache").warm_up(Progress())
    assert caught.value.reason == "LANDMARKS_UNAVAILABLE"


SEEN = np.array(((99.0, 90), (150, 93), (124, 125)))
"""Means of InsightFace's brow and nose points on the portrait, read off it by eye."""


def looked_at(pictures, tracker):
    for number, picture in enumerate(pictures):
        frame = frame_of(picture)
        frame.pts = number
        tracker.look(frame)
    return tracker.rows()


def test_the_mesh_finds_brows_and_nose(tmp_path, portrait):
    provider = landmark_provider(tmp_path, CPU)
    assert isinstance(provider, MeshLandmarks)
    rows = looked_at([portrait], provider.tracker())
    np.testing.assert_allclose(rows.points[0], SEEN, atol=5)


@pytest.mark.parametrize("resolution", [256, 512])
def test_the_crop_of_the_mesh_is_that_of_published_points(portrait, resolution):
    """The mouth, which lies below the nose, comes to lie in the same place of the network's picture."""
    found = crop_matrix(looked_at([portrait], MeshLandmarks().tracker()).points[0], resolution)
    expected = crop_matrix(SEEN, resolution)
    assert scale_of(found) == pytest.approx(scale_of(expected), rel=0.08)
    turns = [np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0])) for matrix in (found, expected)]
    assert abs(turns[0] - turns[1]) < 3
    mouth = (122.0, 147.0, 1.0)
    away = np.linalg.norm(found @ mouth - expected @ mouth)
    print(f"scale {scale_of(found) / scale_of(expected):.3f}, turn {turns[0] - turns[1]:.2f}, mouth {away:.1f} pixels")
    assert away < 0.05 * resolution


class Noisy:
    """Finds the first face of a script, each time somewhat beside it."""

    def __init__(self, truth, noise):
        self.truth, self.noise, self.frame = truth, noise, 0
        self.random = np.random.default_rng(1)
        self.asked = []

    def find(self, frame):
        number = round(float(frame.pts))
        self.asked.append(number)
        if self.truth[number] is None:
            return []
        points = self.truth[number] + self.random.normal(0, self.noise, (3, 2))
        box = np.array((*(points.mean(axis=0) - 55), 110, 110))
        return [Landmarks(box, points)]


def tracked(pictures, noisy):
    return looked_at(pictures, FlowTracker(noisy.find)).points


def heads(portrait, frames):
    """Pictures of a moving head, and where its points truly are."""
    pictures, truth = moving(portrait, frames), []
    for frame in range(frames):
        turn = np.deg2rad(-3 * np.sin(frame / 9))
        rotation = np.array(((np.cos(turn), -np.sin(turn)), (np.sin(turn), np.cos(turn))))
        shift = (160 + 6 * np.sin(frame / 7), 160 + 4 * np.cos(frame / 7))
        truth.append((SEEN - 125) @ rotation.T + shift)
    return pictures, truth


def test_tracking_takes_the_detector_s_noise_out(portrait):
    pictures, truth = heads(portrait, 60)
    points = tracked(pictures, Noisy(truth, 2.0))  # of InsightFace; the cascades, which are gone, had twice as much
    error = points - np.array(truth)
    assert np.sqrt((error**2).mean()) < 1.25
    steps = np.diff(points, axis=0) - np.diff(np.array(truth), axis=0)
    assert np.sqrt((steps**2).mean()) < 0.5  # no trembling


def test_a_face_that_leaves_is_gone_and_a_new_shot_starts_afresh(portrait):
    pictures, truth = heads(portrait, 30)
    pictures[10:14] = [np.full_like(pictures[0], 90)] * 4
    truth[10:14] = [None] * 4
    points = tracked(pictures, Noisy(truth, 0.0))
    assert np.isnan(points[10:14]).all()
    seen = [frame for frame in range(30) if not 10 <= frame < 14]
    np.testing.assert_allclose(points[seen], np.array([truth[frame] for frame in seen]), atol=1.5)


def test_flow_carries_a_face_that_the_detector_misses(portrait):
    pictures, truth = heads(portrait, 20)
    seen = [*truth]
    seen[1:] = [None] * 19
    points = tracked(pictures, Noisy(seen, 0.0))
    np.testing.assert_allclose(points, np.array(truth), atol=3)
