"""What faces are looked for in: any picture of which a part can be had as RGB, at the size that is needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy import float64, uint8
from numpy.typing import NDArray

Rgb = NDArray[uint8]
"""uint8 (height, width, 3)."""


class Picture(Protocol):
    """A picture of `width` x `height` pixels, upright."""

    @property
    def width(self) -> int:
        """Columns."""

    @property
    def height(self) -> int:
        """Rows."""

    def part(self, left: int, top: int, right: int, bottom: int, shrink: int) -> Rgb:
        """Columns left..right and rows top..bottom, each `shrink` x `shrink` pixels averaged to one.

        `left` and `top` are even, both sides multiples of 2 `shrink`.
        """


@dataclass(frozen=True)
class RgbPicture:
    """A picture that is RGB in memory."""

    rgb: Rgb

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.rgb.shape[1])

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.rgb.shape[0])

    def part(self, left: int, top: int, right: int, bottom: int, shrink: int) -> Rgb:
        """See Picture."""
        return shrunk(self.rgb[top:bottom, left:right], shrink)


def shrunk(plane: NDArray[uint8], shrink: int) -> NDArray[uint8]:
    """A plane or a picture with each `shrink` x `shrink` pixels averaged to one."""
    size = plane.shape[1] // shrink, plane.shape[0] // shrink
    return plane if shrink == 1 else np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), uint8)


@dataclass(frozen=True)
class Sample:
    """A part of a picture, shrunk: pixel (0, 0) of `rgb` covers the `shrink` x `shrink` pixels from (left, top) on."""

    rgb: Rgb
    left: int
    top: int
    shrink: int

    @property
    def matrix(self) -> NDArray[float64]:
        """(2, 3): from pixels of the picture to pixels of `rgb`, both counted from the middle of the first."""
        return np.array(((1.0, 0.0, 0.5 - self.left), (0.0, 1.0, 0.5 - self.top))) / self.shrink - (0, 0, 0.5)


def sample(picture: Picture, low: NDArray[float64], high: NDArray[float64], shrink: float) -> Sample:
    """What the picture shows from corner `low` to corner `high` (x, y), shrunk by `shrink` or a little less."""
    size = picture.width, picture.height
    whole = max(1, min(int(shrink), min(size) // 2))
    left, top = (int(np.clip(edge, 0, side - 2 * whole)) // 2 * 2 for edge, side in zip(low, size, strict=True))
    width, height = (
        max(1, int(min(edge - start, side - start) / (2 * whole))) * 2 * whole
        for edge, start, side in zip(high, (left, top), size, strict=True)
    )
    return Sample(picture.part(left, top, left + width, top + height, whole), left, top, whole)
