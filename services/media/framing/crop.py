"""Which part of a picture covers the film's canvas, and where that part goes when the presenter walks."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

OUTSIDE = "The presenter fell outside the crop"
"""How the note on it begins."""


def is_outside(note: str) -> bool:
    """Whether a note says that the presenter fell outside the crop."""
    return note.startswith(OUTSIDE)


_LONGEST_FOCUS = 40  # characters, as the contract has it


def parsed_focus(text: str) -> tuple[float, float] | None:
    """What a crop keeps, from "0.3,0.4": shares of the width and the height; None for "".

    Raises ValueError with a sentence for people.
    """
    if not text.strip():
        return None
    parts = text.split(",") if len(text) <= _LONGEST_FOCUS else []
    with contextlib.suppress(ValueError):
        x, y = (float(part) for part in parts)
        if 0 <= x <= 1 and 0 <= y <= 1:
            return x, y
    raise ValueError("Give two numbers from 0 to 1, from the left and from the top, such as 0.3,0.4")


@dataclass(frozen=True)
class Crop:
    """A box in pixels of the picture; not whole numbers, the scaler rounds."""

    x: float
    y: float
    width: float
    height: float


def cover(width: float, height: float, aspect: float, focus: tuple[float, float]) -> Crop:
    """The largest box of `aspect` (width / height) in the picture, as near to the `focus` as the edges allow.

    `focus` is in shares of the picture's width and height.
    """
    box_width, box_height = min(width, height * aspect), min(height, width / aspect)
    x = min(max(focus[0] * width - box_width / 2, 0.0), width - box_width)
    y = min(max(focus[1] * height - box_height / 2, 0.0), height - box_height)
    return Crop(x, y, box_width, box_height)


@dataclass(frozen=True)
class CropPath:
    """What the crop keeps in its middle, for every picture: (pictures, 2) in shares of its width and height.

    After the last picture the last place holds. `notes` are sentences for the maker.
    """

    places: NDArray[float64]
    notes: tuple[str, ...] = ()

    @classmethod
    def fixed(cls, focus: tuple[float, float]) -> CropPath:
        """A crop that stays."""
        import numpy as np  # the gateway reads what a crop keeps, and computes nothing

        return cls(np.array([focus], np.float64))

    def at(self, picture: int) -> tuple[float, float]:
        """Where the crop is meant to be in a picture."""
        x, y = self.places[min(picture, len(self.places) - 1)]
        return float(x), float(y)

    @property
    def middle(self) -> tuple[float, float]:
        """The middle of where it goes."""
        x, y = (self.places.min(axis=0) + self.places.max(axis=0)) / 2
        return float(x), float(y)

    @property
    def reach(self) -> tuple[float, float]:
        """How far it goes, in shares of the width and the height."""
        x, y = self.places.max(axis=0) - self.places.min(axis=0)
        return float(x), float(y)
