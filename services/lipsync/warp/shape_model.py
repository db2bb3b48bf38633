"""A small convolutional network that hears what a mouth does: its weights are an asset, its arithmetic is NumPy's."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy import float32
from numpy.typing import NDArray

from services.base.errors import InternalError

WEIGHTS = Path(__file__).resolve().parents[3] / "assets" / "mouth" / "mouth.npz"
WEIGHTS_SHA256 = "ea978af8d0735906df7db1b07c9bd894971472c8270dd5c62ad4ebce05366d65"
"""Part of the code, so that films made with other weights are made again."""

DILATIONS = (1, 2, 3, 6)
"""Steps between the three taps of each layer."""

BEFORE, AFTER = 16, 8
"""Steps that the network hears before and after the one that it judges."""


class Layer(NamedTuple):
    """`weights`: float32 (taps, inputs, outputs), `bias`: float32 (outputs,)."""

    weights: NDArray[float32]
    bias: NDArray[float32]


class ShapeModel:
    """What `layers` hear in spectra."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._layers = layers

    def shapes(self, spectra: NDArray[float32]) -> NDArray[float32]:
        """Openness 0 to 1, width -1 to 1, closure 0 to 1: (steps - BEFORE - AFTER, 3) of spectra (steps, BANDS)."""
        *hidden, last = self._layers
        values = spectra
        for layer, dilation in zip(hidden, DILATIONS, strict=True):
            values = np.maximum(_convolved(values, layer, dilation), 0)
        openness, width, closure = _convolved(values, last, 1).T
        return np.stack([_sigmoid(openness), np.tanh(width), _sigmoid(closure)], axis=1)


def _convolved(values: NDArray[float32], layer: Layer, dilation: int) -> NDArray[float32]:
    taps = len(layer.weights)
    steps = len(values) - (taps - 1) * dilation
    parts = (values[tap * dilation :][:steps] @ weights for tap, weights in enumerate(layer.weights))
    return np.asarray(sum(parts, start=layer.bias), float32)


def _sigmoid(values: NDArray[float32]) -> NDArray[float32]:
    return np.asarray(0.5 + 0.5 * np.tanh(values / 2), float32)


@cache
def shape_model() -> ShapeModel:
    """The model whose weights are bundled. Raises InternalError when they are missing or others."""
    try:
        content = WEIGHTS.read_bytes()
    except OSError as error:
        raise InternalError(f"{WEIGHTS.name} cannot be read: {error.strerror}.", "Install Vigent again.") from error
    if hashlib.sha256(content).hexdigest() != WEIGHTS_SHA256:
        raise InternalError(f"{WEIGHTS.name} is not the one of this version.", "Install Vigent again.")
    return ShapeModel(read_layers(content))


def read_layers(content: bytes) -> list[Layer]:
    """The layers in a file of `write_layers`."""
    with np.load(io.BytesIO(content)) as arrays:
        return [Layer(arrays[f"weights{n}"], arrays[f"bias{n}"]) for n in range(len(DILATIONS) + 1)]
