"""Resampling a picture through a similarity, in float32 on any device."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from numpy import float64, uint8
from numpy.typing import NDArray
from torch import Tensor

from services.lipsync.engine import Box
from services.lipsync.latentsync.face.crop import crop_size, inverse

_FILL = 127.0  # what published code shows beyond the frame's edge


def warped(picture: Tensor, to_input: NDArray[float64], height: int, width: int, mode: str = "bilinear") -> Tensor:
    """(channels, height, width) of `picture` (channels, any, any), float32; 0 beyond its edges.

    `to_input` (2, 3) maps output pixel indices (x, y) to input pixel indices.
    """
    theta = _to_unit(*picture.shape[1:]) @ _square(to_input) @ np.linalg.inv(_to_unit(height, width))
    rows = torch.from_numpy(theta[None, :2]).to(picture.device, torch.float32)
    grid = F.affine_grid(rows, [1, picture.shape[0], height, width], align_corners=False)
    return F.grid_sample(picture[None], grid, mode=mode, padding_mode="zeros", align_corners=False)[0]


def to_square(picture: NDArray[uint8], matrix: NDArray[float64], resolution: int, device: torch.device) -> Tensor:
    """The face in `picture` (height, width, 3) as the network sees it: (3, resolution, resolution), -1 ... 1, float32.

    Warped by `matrix` to the 3 : 4 crop, then squeezed to a square, as published, but without rounding in between.
    """
    width, height = crop_size(resolution)
    light = torch.from_numpy(picture.copy()).to(device).permute(2, 0, 1).float()
    crop = warped(light - _FILL, inverse(matrix), height, width) + _FILL
    square = F.interpolate(crop[None], (resolution, resolution), mode="bicubic", antialias=True)[0]
    return square.clamp(0, 255) / 127.5 - 1


def crop_box(matrix: NDArray[float64], resolution: int, width: int, height: int) -> Box | None:
    """The part of a `width` x `height` frame that the crop shows; None when it lies outside."""
    return box_around(inverse(matrix), (0, 0, *crop_size(resolution)), width, height)


def box_around(
    to_frame: NDArray[float64], area: tuple[float, float, float, float], width: int, height: int
) -> Box | None:
    """Box of a frame around `area` (left, top, right, bottom) of the crop, clipped; even edges, as 4:2:0 has.

    None when the area lies outside of the frame.
    """
    left, top, right, bottom = area
    corners = np.array(((left, top), (right, top), (left, bottom), (right, bottom)))
    mapped = corners @ to_frame[:, :2].T + to_frame[:, 2]
    limit = np.array((width, height)) // 2 * 2
    first = np.clip(np.floor(mapped.min(axis=0) / 2).astype(int) * 2 - 2, 0, limit)
    last = np.clip(np.ceil(mapped.max(axis=0) / 2).astype(int) * 2 + 2, first, limit)
    return Box(*first.tolist(), *(last - first).tolist()) if (first < last).all() else None


def _square(matrix: NDArray[float64]) -> NDArray[float64]:
    return np.vstack((matrix, (0, 0, 1)))


def _to_unit(height: int, width: int) -> NDArray[float64]:
    """Pixel indices to torch's grid, which runs from -1 at the first pixel's outer edge to 1."""
    return np.array(((2 / width, 0, 1 / width - 1), (0, 2 / height, 1 / height - 1), (0, 0, 1)))
