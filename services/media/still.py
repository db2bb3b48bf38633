"""A frame of a finished film in the shape of a cover. Runs only in a limited child (`sandbox.run_limited`)."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
from numpy import uint8
from numpy.typing import NDArray
from PIL import Image

from services.base.errors import InvalidInputError
from services.media.framing.crop import cover
from services.media.framing.following import focus_of
from services.media.picture import read_picture
from services.media.source import decoding
from services.media.timeline import FRAME_RATE_HZ

_FIELD = "cover_frame"
_MOST_PIXELS = 2160 * 2160  # of a film
_JPEG_QUALITY = 92


def write_cover(source: Path, frame: int | None, width: int, height: int, target: Path) -> int:
    """Writes frame `frame` of the film `source` to `target`: a JPEG of `width` x `height`, cropped around the face.

    Without `frame`, `source` is a picture. Returns the bytes written. Raises InvalidInputError (field "cover_frame",
    NO_FRAME) for a frame behind the film's end.
    """
    picture = read_picture(source, _FIELD, _MOST_PIXELS) if frame is None else _frame(source, frame)
    Image.fromarray(_covering(picture, width, height)).save(target, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    return target.stat().st_size


def _frame(film: Path, number: int) -> NDArray[uint8]:
    """uint8 RGB (height, width, 3) of a frame, 0-based; decodes from the key frame before it."""
    with decoding(_FIELD, "video"), av.open(str(film)) as container:
        stream = container.streams.video[0]
        assert stream.time_base is not None
        if number < stream.frames:
            container.seek(round(number / FRAME_RATE_HZ / stream.time_base), stream=stream)
            for decoded in container.decode(stream):
                if decoded.time is not None and round(decoded.time * FRAME_RATE_HZ) >= number:
                    return np.asarray(decoded.to_ndarray(format="rgb24"), uint8)
        problem = f"The film has {stream.frames} frames, and no frame {number}."
    raise InvalidInputError(problem, "Choose an earlier one.", _FIELD, "NO_FRAME")


def _covering(rgb: NDArray[uint8], width: int, height: int) -> NDArray[uint8]:
    crop = cover(rgb.shape[1], rgb.shape[0], width / height, focus_of(rgb, width / height, None).middle)
    left, top, columns, rows = (max(0, round(side)) for side in (crop.x, crop.y, crop.width, crop.height))
    part = rgb[top : top + max(1, rows), left : left + max(1, columns)]
    smooth = cv2.INTER_AREA if columns > width else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(part, (width, height), interpolation=smooth), uint8)
