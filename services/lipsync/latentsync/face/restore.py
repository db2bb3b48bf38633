"""Puts the new mouth back into the frame, and nothing else of the crop.

Published code pastes the whole crop, so eyes and cheeks are softened by four resamplings; here only pixels under the
feathered mouth mask change, through two.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from numpy import float64, uint8
from numpy.typing import NDArray
from torch import Tensor

from services.lipsync.engine import Box
from services.lipsync.latentsync.face.crop import crop_size, inverse, scale_of
from services.lipsync.latentsync.face.warp import box_around, warped

_INVISIBLE = 1 / 255  # weights below one grey level: resampling spreads them beyond the mask


class Restorer:
    """Pastes faces of one resolution under one set of blend weights (resolution, resolution)."""

    def __init__(self, weights: Tensor) -> None:
        self._weights = weights
        self._resolution = weights.shape[0]
        shown = weights.nonzero()
        (top, left), (bottom, right) = shown.amin(0).tolist(), shown.amax(0).tolist()
        width, height = crop_size(self._resolution)
        kx, ky = width / self._resolution, height / self._resolution
        self._shown_in_crop = (left * kx - 1, top * ky - 1, (right + 1) * kx, (bottom + 1) * ky)

    def box(self, matrix: NDArray[float64], width: int, height: int) -> Box | None:
        """Where pixels of a `width` x `height` frame may change; None when the mouth lies outside."""
        return box_around(inverse(matrix), self._shown_in_crop, width, height)

    def paste(self, old: NDArray[uint8], face: Tensor, matrix: NDArray[float64]) -> NDArray[uint8]:
        """New pixels for `old` (height, width, 3), a part of the frame; `matrix` from it to the crop.

        `face` (3, resolution, resolution), -1 ... 1, float32. Pixels with weight 0 are equal to the old ones.
        """
        height, width = old.shape[:2]
        behind = torch.from_numpy(old.copy()).to(face.device).permute(2, 0, 1).float()
        natural, to_natural = self._at_frame_scale(torch.cat((face, self._weights[None])), matrix)
        colour = warped(natural[:3], to_natural, height, width, "bicubic")
        weight = F.threshold(warped(natural[3:], to_natural, height, width), _INVISIBLE, 0).clamp(max=1)
        new = behind + weight * ((colour + 1) * 127.5 - behind)
        pixels: NDArray[uint8] = new.clamp(0, 255).round().byte().permute(1, 2, 0).contiguous().cpu().numpy()
        return pixels

    def _at_frame_scale(self, face: Tensor, matrix: NDArray[float64]) -> tuple[Tensor, NDArray[float64]]:
        """The square brought to the frame's pixel size, and the way from old pixels into it."""
        width, height = crop_size(self._resolution)
        scale = scale_of(matrix)
        size = max(1, round(height / scale)), max(1, round(width / scale))
        natural = F.interpolate(face[None], size, mode="bicubic", antialias=True)[0]
        squeeze = np.diag((size[1] / width, size[0] / height))
        to_natural = np.column_stack((squeeze @ matrix[:, :2], squeeze @ (matrix[:, 2] + 0.5) - 0.5))
        return natural, to_natural
