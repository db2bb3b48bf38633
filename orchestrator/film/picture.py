"""A picture from outside as the film's only frame of footage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy import uint8
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from services.base.errors import InvalidInputError

_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
_REMEDY = "Send a PNG, JPEG or WebP picture."


def is_picture(path: Path) -> bool:
    """Whether the file begins as a PNG, JPEG or WebP does."""
    with path.open("rb") as file:
        start = file.read(12)
    return start.startswith(_SIGNATURES) or (start[:4] == b"RIFF" and start[8:] == b"WEBP")


def read_picture(path: Path, field: str, most_pixels: int) -> NDArray[uint8]:
    """Upright uint8 RGB (height, width, 3), transparency over black.

    Raises InvalidInputError for `field`: TOO_LARGE, UNREADABLE_FILE.
    """
    try:
        with Image.open(path, formats=("PNG", "JPEG", "WEBP")) as image:
            if image.width * image.height > most_pixels:
                raise _too_large(f"{image.width} x {image.height} pixels", field)
            upright = ImageOps.exif_transpose(_with_8_bits(image)).convert("RGBA")
    except Image.DecompressionBombError as error:
        raise _too_large("many more pixels", field) from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        problem = "The picture is broken or cut off."
        raise InvalidInputError(problem, _REMEDY, field, "UNREADABLE_FILE") from error
    black = Image.new("RGBA", upright.size, (0, 0, 0, 255))
    return np.asarray(Image.alpha_composite(black, upright).convert("RGB"))


def _with_8_bits(image: Image.Image) -> Image.Image:
    """Pillow would clip 16-bit grey instead of scaling it."""
    return Image.fromarray((np.asarray(image) >> 8).astype(uint8)) if image.mode.startswith("I;16") else image


def _too_large(size: str, field: str) -> InvalidInputError:
    return InvalidInputError(f"The picture has {size}, more than is taken.", "Send a smaller one.", field, "TOO_LARGE")
