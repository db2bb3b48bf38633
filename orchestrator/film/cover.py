"""The cover: a sharp, well lit frame of the film as a JPEG."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
from PIL import Image

from services.base.errors import InternalError
from services.media.timeline import FRAME_RATE_HZ
from services.media.yuv import planes_of

_CANDIDATES = 12
_FIRST_S, _LAST_S = 0.4, 8.0  # the title is still shown, and a viewer who starts the film soon sees the same picture
_JPEG_QUALITY = 90


def write_cover(film: Path, target: Path) -> int:
    """Writes the best of a few frames near the start of `film` as a JPEG to `target`; returns which frame it is."""
    number, frame = max(_candidates(film), key=lambda candidate: _goodness(candidate[1]))
    Image.fromarray(frame.to_ndarray(format="rgb24")).save(target, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    return number


def _candidates(film: Path) -> Iterator[tuple[int, av.VideoFrame]]:
    """Frame numbers and frames, evenly spaced; the first frame when the film is shorter than that."""
    with av.open(str(film)) as container:
        frames = container.streams.video[0].frames
        if not frames:
            raise InternalError("The film has no frames.")
        first = min(int(_FIRST_S * FRAME_RATE_HZ), frames - 1)
        last = min(int(_LAST_S * FRAME_RATE_HZ), frames - 1)
        wanted = set(np.linspace(first, last, _CANDIDATES).astype(int).tolist())
        for number, frame in enumerate(container.decode(video=0)):
            if number in wanted:
                yield number, frame
            if number == last:
                return


def _goodness(frame: av.VideoFrame) -> float:
    """Sharpness, less what is under- or overexposed."""
    luma = planes_of(frame).y
    small = cv2.resize(luma, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    lost = float(np.mean((small < 24) | (small > 230)))
    return float(cv2.Laplacian(small, cv2.CV_32F).var()) * (1 - lost)
