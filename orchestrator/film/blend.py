"""Pictures laid over a YUV frame, touching nothing outside their box."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import cv2
import numpy as np
from numpy import uint8
from numpy.typing import NDArray

from services.media.yuv import YUV_OF_RGB, Planes, chroma_of_rgb, luma_of_rgb

_MATRIX = YUV_OF_RGB[:, :3].T.astype(np.float32)
_OFFSET = YUV_OF_RGB[:, 3].astype(np.float32)


class _Box(NamedTuple):
    """Where a picture meets the canvas, in pixels of the canvas; ends are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def clipped(cls, x: int, y: int, pixels: NDArray[uint8], canvas: tuple[int, int]) -> _Box:
        rows, columns = canvas
        height, width = pixels.shape[:2]
        return cls(max(x, 0), max(y, 0), min(x + width, columns), min(y + height, rows))

    @property
    def empty(self) -> bool:
        return self.left >= self.right or self.top >= self.bottom

    def of(self, pixels: NDArray[uint8], x: int, y: int) -> NDArray[uint8]:
        """The part of a picture placed at (x, y) that lies in this box."""
        return pixels[self.top - y : self.bottom - y, self.left - x : self.right - x]

    @property
    def border(self) -> tuple[int, int, int, int]:
        """Pixels to add at top, bottom, left and right so that the box falls on whole chroma samples."""
        return self.top % 2, self.bottom % 2, self.left % 2, self.right % 2

    @property
    def luma(self) -> tuple[slice, slice]:
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def chroma(self) -> tuple[slice, slice]:
        return slice(self.top // 2, (self.bottom + 1) // 2), slice(self.left // 2, (self.right + 1) // 2)


def paste(canvas: Planes, x: int, y: int, rgb: NDArray[uint8]) -> None:
    """Replaces the box of uint8 RGB (height, width, 3) at (x, y) of `canvas`; what lies outside is cut off.

    A chroma sample that the box covers in part keeps the share of its old value that lies outside.
    """
    box = _Box.clipped(x, y, rgb, canvas.y.shape)
    if box.empty:
        return
    inside = box.of(rgb, x, y)
    canvas.y[box.luma] = luma_of_rgb(inside)
    for plane, chroma in zip(canvas[1:], chroma_of_rgb(_bordered(inside, box, cv2.BORDER_REPLICATE)), strict=True):
        _paste_chroma(plane[box.chroma], chroma, box.border)


def _bordered(pixels: NDArray[uint8], box: _Box, kind: int) -> NDArray[uint8]:
    if not any(box.border):
        return pixels
    return cast("NDArray[uint8]", cv2.copyMakeBorder(pixels, *box.border, borderType=kind, value=(0, 0, 0, 0)))


def _paste_chroma(old: NDArray[uint8], new: NDArray[uint8], border: tuple[int, int, int, int]) -> None:
    top, bottom, left, right = border
    mixed = np.array(new)
    rows, columns = new.shape
    for edge in (np.s_[:top], np.s_[rows - bottom :], np.s_[:, :left], np.s_[:, columns - right :]):
        # Half of an edge sample is inside; a corner is halved twice, so a quarter of it is.
        mixed[edge] = (old[edge].astype(np.uint16) + mixed[edge] + 1) // 2
    old[...] = mixed


class Layer:
    """A picture with transparency, converted once to be blended into many frames.

    Holds premultiplied planes and the share of the canvas that shows through, so that blending is one multiplication
    and one addition in 8 bits: canvas = canvas * through + premultiplied.
    """

    def __init__(self, x: int, y: int, rgba: NDArray[uint8], canvas: tuple[int, int]) -> None:
        """Takes uint8 RGBA (height, width, 4) with straight alpha at (x, y) of a (rows, columns) `canvas`."""
        self._box = _Box.clipped(x, y, rgba, canvas)
        if not self._box.empty:
            self._convert(self._box.of(rgba, x, y))

    def _convert(self, rgba: NDArray[uint8]) -> None:
        even = _bordered(rgba, self._box, cv2.BORDER_CONSTANT).astype(np.float32)
        yuv = even[..., :3] @ _MATRIX + _OFFSET
        alpha = even[..., 3:] / 255
        premultiplied = yuv * alpha
        top, _, left, _ = self._box.border
        inside = slice(top, top + rgba.shape[0]), slice(left, left + rgba.shape[1])
        chroma = _halved(premultiplied[..., 1:])
        through = _halved(1 - alpha)
        self._luma = _rounded(premultiplied[(*inside, 0)]), _rounded(255 * (1 - alpha[(*inside, 0)]))
        self._chroma = [(_rounded(chroma[..., channel]), _rounded(255 * through[..., 0])) for channel in (0, 1)]

    def blend(self, canvas: Planes) -> None:
        """Lays the picture over `canvas`."""
        if self._box.empty:
            return
        _blend(canvas.y[self._box.luma], *self._luma)
        for plane, premultiplied in zip(canvas[1:], self._chroma, strict=True):
            _blend(plane[self._box.chroma], *premultiplied)


def _blend(canvas: NDArray[uint8], premultiplied: NDArray[uint8], through: NDArray[uint8]) -> None:
    canvas[...] = cv2.add(cv2.multiply(canvas, through, scale=1 / 255), premultiplied)


def _halved(pixels: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    rows, columns, channels = pixels.shape
    means: NDArray[np.floating[Any]] = pixels.reshape(rows // 2, 2, columns // 2, 2, channels).mean(axis=(1, 3))
    return means


def _rounded(values: NDArray[np.floating[Any]]) -> NDArray[uint8]:
    return np.ascontiguousarray(np.rint(values).clip(0, 255).astype(uint8))
