"""How far two drawings of the same frame are apart: position, lines, colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

INK = 24
"""Difference from the grey canvas (of 255) from which a pixel counts as drawn."""
TILE_PX = 12
SHIFT_PX = 6


@dataclass(frozen=True)
class Difference:
    """Between two drawings over grey.

    `edges_px`: largest distance of two edges of the boxes around all that is drawn. `shift_px`: how far the one must
    move to lie best on the other, for the half (each has a line) that needs it most. `mean` and `worst`: mean and
    largest difference, of 255, of the mean colours of tiles of 12 x 12 pixels, which edges drawn by another rasteriser
    do not change much.
    """

    edges_px: int
    shift_px: int
    mean: float
    worst: float


def difference(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> Difference:
    """Compares two drawings of the same size, (height, width, 3) over grey of 128."""
    boxes = [_box(drawing) for drawing in (one, other)]
    top, bottom = min(box[0] for box in boxes), max(box[1] for box in boxes)
    left, right = min(box[2] for box in boxes), max(box[3] for box in boxes)
    parts = [drawing[top:bottom, left:right].astype(float) for drawing in (one, other)]
    edges_px = max(abs(a - b) for a, b in zip(*boxes, strict=True))
    apart = np.abs(_tiles(parts[0]) - _tiles(parts[1]))
    return Difference(edges_px, _largest_shift(*parts), float(apart.mean()), float(apart.max()))


def _box(drawing: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """Top, bottom, left, right of what is drawn."""
    ink = np.abs(drawing.astype(int) - 128).max(axis=2) > INK
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    assert rows.size, "nothing is drawn"
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def _tiles(part: NDArray[np.float64]) -> NDArray[np.float64]:
    height, width = (size // TILE_PX * TILE_PX for size in part.shape[:2])
    tiles = part[:height, :width].reshape(height // TILE_PX, TILE_PX, width // TILE_PX, TILE_PX, 3)
    return tiles.mean(axis=(1, 3))


def _largest_shift(one: NDArray[np.float64], other: NDArray[np.float64]) -> int:
    """The best shift of the upper and of the lower half (two lines lie in two halves), the larger of them."""
    half = one.shape[0] // 2
    halves = (slice(0, half), slice(half, None))
    return max(max(map(abs, _best_shift(one[rows], other[rows]))) for rows in halves)


def _best_shift(one: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[int, int]:
    """Rows and columns by which `other` must move to lie best on `one`: the peak of their correlation."""
    flat = [part.mean(axis=2) - 128 for part in (one, other)]
    spectrum = np.fft.rfft2(flat[0]) * np.conj(np.fft.rfft2(flat[1]))
    correlation = np.fft.irfft2(spectrum, flat[0].shape)
    near = np.roll(correlation, (SHIFT_PX, SHIFT_PX), (0, 1))[: 2 * SHIFT_PX + 1, : 2 * SHIFT_PX + 1]
    row, column = np.unravel_index(int(near.argmax()), near.shape)
    return int(row) - SHIFT_PX, int(column) - SHIFT_PX
