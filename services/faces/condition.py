"""How well a face can be seen: its light, its sharpness, and the colours of its skin, which tell what covers it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy import float64, uint8
from numpy.typing import NDArray

from services.faces.mesh import CROP_SIDE, Fit
from services.faces.points import LEFT_SKIN, LOWER_SKIN, RIGHT_SKIN

SKIN = (*LEFT_SKIN, *RIGHT_SKIN, *LOWER_SKIN)
_PATCH = 7  # pixels of the square around a point of skin
_OTHER_COLOUR = 0.3  # difference of a colour from the usual one, relative to the skin's luma
_LUMA = np.array((0.2126, 0.7152, 0.0722))


@dataclass(frozen=True)
class Condition:
    """`light`: luma of the skin, 0 to 255. `sharpness`: see `_sharpness`. `skin`: uint8 (len(SKIN), 3) RGB."""

    light: float
    sharpness: float
    skin: NDArray[uint8]


def condition_of(fit: Fit) -> Condition:
    """How well the face of `fit` can be seen."""
    skin = _skin(fit)
    return Condition(float(np.median(skin @ _LUMA)), _sharpness(fit), skin)


def _skin(fit: Fit) -> NDArray[uint8]:
    """Mean colours around the points of SKIN."""
    means = cv2.blur(fit.crop, (_PATCH, _PATCH))
    columns, rows = np.clip(np.rint(fit.local[list(SKIN)]).astype(int), 0, CROP_SIDE - 1).T
    return np.asarray(means[rows, columns], uint8)


def _sharpness(fit: Fit) -> float:
    """How much of the face's contrast lies in details of a few pixels of the square, 0 to about 1."""
    x, y, width, height = cv2.boundingRect(fit.local.astype(np.float32))
    x, y = max(0, x), max(0, y)
    grey = cv2.cvtColor(fit.crop[y : y + height, x : x + width], cv2.COLOR_RGB2GRAY).astype(float64)
    if grey.size == 0:
        return 0.0
    detail = grey - cv2.GaussianBlur(grey, (0, 0), 1.5)
    return float(detail.std() / max(1.0, grey.std()))


def covered(skin: NDArray[uint8]) -> NDArray[float64]:
    """For every picture the share of the points on the lower face whose colour is not the skin's usual one.

    `skin` (pictures, len(SKIN), 3) of one person. How light the whole face is does not count.
    """
    bright = np.maximum(1.0, np.median(skin @ _LUMA, axis=1))[:, None, None]
    relative = skin / bright
    away = np.abs(relative - np.median(relative, axis=0)).max(axis=2)
    return np.asarray((away[:, -len(LOWER_SKIN) :] > _OTHER_COLOUR).mean(axis=1))
