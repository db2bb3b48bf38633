"""The networks of assets/models/faces, run by OpenCV."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy import float64, uint8
from numpy.typing import NDArray

from services.base.errors import FailedPreconditionError

MODELS = Path(__file__).resolve().parents[2] / "assets" / "models" / "faces"


class Network:
    """One network: a square RGB picture in, two arrays out. Use one object per thread."""

    def __init__(self, file: str, side: int, outputs: tuple[str, str]) -> None:
        """Raises FailedPreconditionError (MODEL_DAMAGED) when the file is missing or changed."""
        self.side = side
        self._outputs = outputs
        self._net = cv2.dnn.readNetFromTFLite(np.frombuffer(_content(file), uint8))

    def run(self, rgb: NDArray[uint8]) -> tuple[NDArray[float64], NDArray[float64]]:
        """Its outputs for uint8 RGB (side, side, 3)."""
        self._net.setInput(cv2.dnn.blobFromImage(rgb, 1 / 127.5, mean=(127.5, 127.5, 127.5)))
        first, second = self._net.forward(self._outputs)
        return first.astype(float64), second.astype(float64)


def sigmoid(logits: NDArray[float64]) -> NDArray[float64]:
    """Scores between 0 and 1."""
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -80, 80))), float64)


@cache
def _content(file: str) -> bytes:
    expected = json.loads((MODELS / "faces.json").read_text(encoding="utf-8"))["files"][file]
    path = MODELS / file
    content = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(content).hexdigest() != expected:
        problem = f"The face model {file} is {'changed' if content else 'missing'}."
        raise FailedPreconditionError(problem, "Install Vigent again.", "models", "MODEL_DAMAGED")
    return content
