"""Where the face lies: a similarity from three landmarks to the crop that LatentSync was trained on.

The crop is 75 : 100 in the template's units; left brow, right brow and nose lie at fixed places in it. Everything is
float64 on the host; published code keeps the matrix in float16 on a GPU, which moves faces by up to a pixel.
"""

from __future__ import annotations

import numpy as np
from numpy import float64
from numpy.typing import ArrayLike, NDArray

_TEMPLATE = np.array(((17.0, 20.0), (58.0, 20.0), (37.5, 40.0)))
_TEMPLATE_SIZE = np.array((75, 100))
_UNITS_PER_PIXEL = 2.8 / 256  # template scale per pixel of the network's picture


def crop_size(resolution: int) -> tuple[int, int]:
    """(width, height) of the crop in pixels for a network of `resolution` x `resolution`: 210 x 280 for 256."""
    width, height = np.rint(_TEMPLATE_SIZE * resolution * _UNITS_PER_PIXEL).astype(int)
    return int(width), int(height)


def crop_matrix(points: ArrayLike, resolution: int) -> NDArray[float64]:
    """Similarity (..., 2, 3) from frame pixels to crop pixels, indices of pixel centres on both sides.

    `points` (..., 3, 2) are left brow, right brow and nose in frame pixels; left is the picture's. Both sets are
    centred and divided by their standard deviation, then rotated onto each other, as published (affine_transform.py);
    for two dimensions the best rotation has a closed form. NaN stays NaN.
    """
    source = np.asarray(points, float64)
    target = _TEMPLATE * resolution * _UNITS_PER_PIXEL
    turned = _normalised(source), _normalised(target)
    along = (turned[0] * turned[1]).sum(axis=(-2, -1))
    across = (turned[0][..., 0] * turned[1][..., 1] - turned[0][..., 1] * turned[1][..., 0]).sum(axis=-1)
    scale = _spread(target) / _spread(source) / np.hypot(along, across)
    linear = np.stack((along, -across, across, along), axis=-1) * scale[..., None]
    linear = linear.reshape(*scale.shape, 2, 2)
    offset = target.mean(axis=0) - (linear @ source.mean(axis=-2)[..., None])[..., 0]
    return np.concatenate((linear, offset[..., None]), axis=-1)


def scale_of(matrix: NDArray[float64]) -> float:
    """Crop pixels per frame pixel."""
    return float(np.sqrt(np.linalg.det(matrix[:, :2])))


def inverse(matrix: NDArray[float64]) -> NDArray[float64]:
    """The similarity (2, 3) back from crop pixels to frame pixels."""
    linear = np.linalg.inv(matrix[:, :2])
    return np.column_stack((linear, -linear @ matrix[:, 2]))


def shifted(matrix: NDArray[float64], x: float, y: float) -> NDArray[float64]:
    """The same similarity for a picture that begins at (x, y) of the frame."""
    return np.column_stack((matrix[:, :2], matrix @ (x, y, 1)))


def _spread(points: NDArray[float64]) -> NDArray[float64]:
    """Standard deviation over all coordinates of the centred points, unbiased."""
    centred = points - points.mean(axis=-2, keepdims=True)
    spread: NDArray[float64] = centred.std(axis=(-2, -1), ddof=1)
    return spread


def _normalised(points: NDArray[float64]) -> NDArray[float64]:
    normal: NDArray[float64] = (points - points.mean(axis=-2, keepdims=True)) / _spread(points)[..., None, None]
    return normal
