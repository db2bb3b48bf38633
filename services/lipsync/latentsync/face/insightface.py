"""InsightFace's detector and 106 landmarks, as published LatentSync uses them, run by ONNX Runtime.

InsightFace's code is MIT, but its pretrained models (pack buffalo_l) are for non-commercial research only. They are
never downloaded: put `det_10g.onnx` and `2d106det.onnx` into the folder `insightface/` of the checkpoint if your use is
covered or InsightFace has licensed it to you. Without that folder MediaPipe's mesh finds the face.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import torch
from numpy import float32, float64, uint8
from numpy.typing import ArrayLike, NDArray

from services.base.errors import FailedPreconditionError
from services.lipsync.engine import Box
from services.lipsync.footage import rgb_of
from services.lipsync.latentsync.face.landmarks import LandmarkTracker

_DETECTOR_SIDE = 512
_STRIDES = (8, 16, 32)
_ANCHORS = 2
_LEAST_SCORE = 0.5
_MOST_OVERLAP = 0.4
_SMALLEST_FACE = 8  # pixels of the detector's picture; a box without size has no landmarks
_LANDMARK_SIDE = 192
_LANDMARK_MARGIN = 1.5
_POINTS = ((43, 48, 49, 50, 51), (101, 102, 103, 104, 105), (74, 77, 83, 86))  # left brow, right brow, nose


@dataclass(frozen=True)
class Landmarks:
    """One face. `box` (4,) is x, y, width, height; `points` (3, 2) left brow, right brow, nose; float64 frame pixels.

    `weight`, above 0 to 1: how far to trust the points.
    """

    box: NDArray[float64]
    points: NDArray[float64]
    weight: float = 1.0


class InsightFaceLandmarks:
    """SCRFD detector and 106-point landmarks. Raises FailedPreconditionError when a file or ONNX Runtime is missing."""

    name = "insightface-1"

    def __init__(self, folder: Path, device: torch.device) -> None:
        self._detector = _session(folder / "det_10g.onnx", device)
        self._landmarks = _session(folder / "2d106det.onnx", device)

    def tracker(self) -> LandmarkTracker:
        """See LandmarkProvider."""
        from services.lipsync.latentsync.face.tracker import FlowTracker

        return FlowTracker(self.find)

    def find(self, frame: av.VideoFrame) -> list[Landmarks]:
        """Faces of an 8-bit 4:2:0 frame, largest first."""
        rgb = rgb_of(frame, Box(0, 0, frame.width // 2 * 2, frame.height // 2 * 2))
        faces = [Landmarks(box, self._points(rgb, box), score) for box, score in self._boxes(rgb)]
        return sorted(faces, key=lambda face: -float(face.box[2] * face.box[3]))

    def _boxes(self, rgb: NDArray[uint8]) -> list[tuple[NDArray[float64], float]]:
        scale = _DETECTOR_SIDE / max(rgb.shape[:2])
        height, width = (max(1, round(side * scale)) for side in rgb.shape[:2])
        padded = np.zeros((_DETECTOR_SIDE, _DETECTOR_SIDE, 3), uint8)
        padded[:height, :width] = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_LINEAR)
        outputs = _run(self._detector, cv2.dnn.blobFromImage(padded, 1 / 128, mean=(127.5, 127.5, 127.5)))
        boxes, scores = _decoded(outputs)
        chosen = cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), _LEAST_SCORE, _MOST_OVERLAP)
        large = [index for index in np.asarray(chosen, int).ravel() if boxes[index, 2:].min() >= _SMALLEST_FACE]
        return [(boxes[index] / scale, float(scores[index])) for index in large]

    def _points(self, rgb: NDArray[uint8], box: NDArray[float64]) -> NDArray[float64]:
        scale = _LANDMARK_SIDE / (float(box[2:].max()) * _LANDMARK_MARGIN)
        offset = _LANDMARK_SIDE / 2 - (box[:2] + box[2:] / 2) * scale
        matrix = np.array(((scale, 0, offset[0]), (0, scale, offset[1])))
        face = cv2.warpAffine(rgb, matrix, (_LANDMARK_SIDE, _LANDMARK_SIDE))
        (output,) = _run(self._landmarks, cv2.dnn.blobFromImage(face))
        landmarks = (output.reshape(-1, 2).astype(float64) + 1) * (_LANDMARK_SIDE / 2)
        return (np.array([landmarks[list(group)].mean(axis=0) for group in _POINTS]) - offset) / scale


def _decoded(outputs: Sequence[NDArray[float32]]) -> tuple[NDArray[float64], NDArray[float64]]:
    """Boxes (n, 4) as x, y, width, height in pixels of the detector's picture, and scores (n,).

    SCRFD (Guo et al. 2021): for each stride and anchor the score and the distances to the four edges, in strides.
    """
    boxes, scores = [], []
    for level, stride in enumerate(_STRIDES):
        cells = _DETECTOR_SIDE // stride
        rows, columns = np.divmod(np.repeat(np.arange(cells * cells), _ANCHORS), cells)
        left, top, right, bottom = outputs[level + len(_STRIDES)].reshape(-1, 4).T.astype(float64) * stride
        boxes.append(np.column_stack((columns * stride - left, rows * stride - top, left + right, top + bottom)))
        scores.append(outputs[level].ravel().astype(float64))
    return np.concatenate(boxes), np.concatenate(scores)


def _session(path: Path, device: torch.device) -> Any:  # noqa: ANN401 - ONNX Runtime has no types
    try:
        import onnxruntime
    except ImportError as error:
        raise FailedPreconditionError(
            "InsightFace's files are there, but ONNX Runtime is not installed.",
            "Install the extra `insightface`, or remove the checkpoint's insightface folder to use the mesh.",
            "checkpoint",
            "LANDMARKS_UNAVAILABLE",
        ) from error
    providers: list[Any] = ["CPUExecutionProvider"]
    if device.type == "cuda" and "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        providers.insert(0, ("CUDAExecutionProvider", {"device_id": device.index or 0}))
    try:
        return onnxruntime.InferenceSession(str(path), providers=providers)
    except Exception as error:  # its errors share no base class
        remedy = "Put InsightFace's original file there, or remove the folder to use the mesh."
        problem = f"{path} cannot be read as an ONNX model."
        raise FailedPreconditionError(problem, remedy, "checkpoint", "LANDMARKS_UNAVAILABLE") from error


def _run(session: Any, blob: ArrayLike) -> list[NDArray[float32]]:  # noqa: ANN401
    outputs: list[NDArray[float32]] = session.run(None, {session.get_inputs()[0].name: np.asarray(blob, float32)})
    return outputs
