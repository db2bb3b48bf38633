"""Pictures from outside, upright."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from numpy import uint8
from numpy.typing import NDArray
from PIL import Image, ImageOps, PngImagePlugin

from services.base.errors import InvalidInputError
from services.media.colours import BLACK, Rgb
from services.media.formats import PICTURE_READERS, TAKEN

PngImagePlugin.MAX_TEXT_CHUNK = (
    2**25
)  # programs that draw pictures keep in them all that they were told; 1 MiB by default


def read_picture(path: Path, field: str, most_pixels: int, backdrop: Rgb = BLACK) -> NDArray[uint8]:
    """uint8 RGB (height, width, 3), turned and mirrored as its EXIF or boxes say, transparency over `backdrop`.

    Raises InvalidInputError for `field`: TOO_LARGE, UNREADABLE_FILE.
    """
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=PICTURE_READERS) as image:
            _check_size(image, field, most_pixels)
            image.load()
            upright = _turned(_with_8_bits(image)).convert("RGBA")
    except (InvalidInputError, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise _too_large("many more pixels", field) from error
    except Exception as error:  # Pillow's readers raise all kinds of errors
        problem = "The picture is broken or cut off."
        raise InvalidInputError(problem, f"Send {TAKEN['image']}.", field, "UNREADABLE_FILE") from error
    behind = Image.new("RGBA", upright.size, (*backdrop, 255))
    return np.asarray(Image.alpha_composite(behind, upright).convert("RGB"))


def _turned(image: Image.Image) -> Image.Image:
    """As its EXIF says; as it is where that cannot be read, for which Pillow raises all kinds of errors."""
    try:
        return ImageOps.exif_transpose(image)
    except MemoryError:
        raise
    except Exception:
        return image


def _with_8_bits(image: Image.Image) -> Image.Image:
    """Pillow would clip 16-bit grey instead of scaling it."""
    return Image.fromarray((np.asarray(image) >> 8).astype(uint8)) if image.mode.startswith("I;16") else image


def _check_size(image: Image.Image, field: str, most_pixels: int) -> None:
    if image.width * image.height > most_pixels:
        raise _too_large(f"{image.width} x {image.height} pixels", field)


def _too_large(size: str, field: str) -> InvalidInputError:
    return InvalidInputError(f"The picture has {size}, more than accepted.", "Send a smaller one.", field, "TOO_LARGE")
