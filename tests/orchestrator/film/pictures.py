"""Pictures and clips that tests make and read back."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.reformatter import Interpolation

from orchestrator.film.encode import FRAME_TIME, add_footage_stream
from orchestrator.film.yuv import chroma_of_rgb, luma_of_rgb, new_frame, planes_of

NUMBER_BITS = 12
EXACT = Interpolation.POINT | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
"""swscale's flags with which YUV to RGB and back by `yuv.py` gives the same luma."""


def noise_picture(width: int, height: int, random: np.random.Generator) -> np.ndarray:
    """Soft colour blotches with fine grain, about as hard to encode as a presenter: uint8 RGB (height, width, 3)."""
    coarse = random.integers(0, 256, (height // 60 + 2, width // 60 + 2, 3), dtype=np.uint8)
    soft = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.int16)
    return np.clip(soft + random.normal(0, 3, (height, width, 1)), 0, 255).astype(np.uint8)


def numbered_picture(number: int, width: int = 192, height: int = 320) -> np.ndarray:
    """uint8 RGB with `number` in its middle row as white and black fields, which survive scaling and encoding."""
    picture = np.full((height, width, 3), (70, 110, 90), np.uint8)
    top, bottom = height * 3 // 8, height * 5 // 8
    for bit in range(NUMBER_BITS):
        left, right = width * (bit + 2) // (NUMBER_BITS + 4), width * (bit + 3) // (NUMBER_BITS + 4)
        picture[top:bottom, left:right] = 235 if number >> bit & 1 else 20
    return picture


def number_in(rgb: np.ndarray) -> int:
    """The number that `numbered_picture` drew."""
    height, width = rgb.shape[:2]
    columns = [width * (2 * bit + 5) // (2 * (NUMBER_BITS + 4)) for bit in range(NUMBER_BITS)]
    return sum(int(rgb[height // 2, column].mean() > 128) << bit for bit, column in enumerate(columns))


def yuv_frame(rgb: np.ndarray) -> av.VideoFrame:
    """A yuv420p frame of uint8 RGB; height and width are even."""
    frame = new_frame(rgb.shape[1], rgb.shape[0])
    planes = planes_of(frame)
    planes.y[...] = luma_of_rgb(rgb)
    planes.u[...], planes.v[...] = chroma_of_rgb(np.ascontiguousarray(rgb))
    return frame


def rgb_of(frame: av.VideoFrame) -> np.ndarray:
    """uint8 RGB of a frame, by swscale."""
    return frame.to_ndarray(format="rgb24", interpolation=EXACT)


def write_footage(path: Path, pictures: Iterable[np.ndarray]) -> Path:
    """Footage as the film needs it, one frame a picture."""
    with av.open(str(path), "w", format="mp4") as container:
        stream = None
        for number, picture in enumerate(pictures):
            stream = stream or add_footage_stream(container, picture.shape[1], picture.shape[0])
            frame = yuv_frame(picture)
            frame.pts, frame.time_base = number, FRAME_TIME
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def read_pictures(path: Path) -> list[np.ndarray]:
    """Every frame as uint8 RGB."""
    with av.open(str(path)) as container:
        return [rgb_of(frame) for frame in container.decode(video=0)]
