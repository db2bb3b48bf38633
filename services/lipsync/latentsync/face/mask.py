"""Which part of the face is generated: the lower face, without the nose.

The release keeps its mask as a picture (mask.png, 256 x 256) in the code repository; these are its edges. Between the
rows given here they are straight, which differs from the picture in some fifty pixels and in no cell of the latents.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy import float32, uint8
from numpy.typing import NDArray
from torch import Tensor

LATENT_STRIDE = 8
"""Side of one latent cell in pixels."""

_SIDE = 256
_STRIP_ROWS = (95, 127)
_STRIPS = ((9, 77), (178, 246))
# row: first and last column, of the part below the nose
_EDGES = {
    128: (9, 247), 135: (9, 246), 136: (10, 246), 149: (10, 245), 150: (11, 245), 163: (11, 244), 170: (12, 243),
    176: (15, 240), 182: (19, 236), 192: (26, 230), 200: (33, 223), 208: (40, 216), 216: (51, 207), 220: (57, 202),
    224: (64, 196), 228: (72, 189), 232: (80, 180), 236: (90, 171), 239: (99, 164), 241: (108, 156), 242: (131, 152),
}  # fmt: skip
_FEATHER = 1 / 32  # of the picture's side


def keep_mask(resolution: int) -> Tensor:
    """(resolution, resolution) float32: 1 keeps the pixel, 0 replaces it; grey along the edges when enlarged."""
    picture = cv2.resize(255 - _made_anew(), (resolution, resolution), interpolation=cv2.INTER_LANCZOS4)
    return torch.from_numpy(picture.astype(float32) / 255)


def latent_mask(keep: Tensor) -> Tensor:
    """The mask on the grid of the latents, by nearest neighbour as published: every eighth pixel."""
    return keep[::LATENT_STRIDE, ::LATENT_STRIDE]


def blend_weights(keep: Tensor) -> Tensor:
    """(resolution, resolution) float32: how much of the new picture is shown, feathered inwards.

    Exactly 0 wherever the mask keeps a pixel, so that nothing outside the mouth's region changes.
    """
    radius = max(1, round(keep.shape[0] * _FEATHER))
    anew = (keep == 0).numpy().astype(float32)
    kernel = np.ones((2 * radius + 1, 2 * radius + 1), uint8)
    core = cv2.erode(anew, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    soft = cv2.GaussianBlur(core, kernel.shape, 0, borderType=cv2.BORDER_CONSTANT)
    return torch.from_numpy(np.clip(soft, 0, 1).astype(float32))


def _made_anew() -> NDArray[uint8]:
    mask = np.zeros((_SIDE, _SIDE), uint8)
    first, last = _STRIP_ROWS
    for left, right in _STRIPS:
        mask[first : last + 1, left : right + 1] = 255
    known = sorted(_EDGES)
    rows = np.arange(known[0], known[-1] + 1)
    edges = np.array([_EDGES[row] for row in known]).T
    for row, left, right in zip(
        rows, *(np.interp(rows, known, edge).round().astype(int) for edge in edges), strict=True
    ):
        mask[row, left : right + 1] = 255
    return mask
