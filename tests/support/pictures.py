"""Pictures and clips that tests make and read back."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import count
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.reformatter import Interpolation

from orchestrator.film.encode import FRAME_TIME, add_footage_stream
from services.media.yuv import BT709, LIMITED_RANGE, fill, new_frame

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
    fill(frame, np.ascontiguousarray(rgb))
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


def write_clip(
    path: Path,
    pictures: Iterable[np.ndarray],
    rate: Fraction | int = 25,
    *,
    times_s: Iterable[float] | None = None,
    pix_fmt: str = "yuv420p",
    colours: tuple[int, int] = (BT709, LIMITED_RANGE),
    rotation: tuple[float, bool] = (0, False),
    options: dict[str, str] | None = None,
    sound: bool = False,
    container_options: dict[str, str] | None = None,
) -> Path:
    """A clip as cameras and programs write them; `colours` are matrix and range, `rotation` degrees and mirroring."""
    times = iter(times_s) if times_s is not None else (Fraction(number) / rate for number in count())
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = None
        tone = add_tone(container) if sound else None
        for picture in pictures:
            if stream is None:
                stream = container.add_stream("libx264", rate=rate, options={"preset": "ultrafast", **(options or {})})
                stream.height, stream.width, stream.pix_fmt = *picture.shape[:2], pix_fmt
                stream.codec_context.time_base = Fraction(1, 90_000)
                stream.codec_context.colorspace, stream.codec_context.color_range = colours
                if rotation != (0, False):
                    stream.set_display_rotation(rotation[0], hflip=rotation[1])
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame = frame.reformat(format=pix_fmt, dst_colorspace=colours[0], dst_color_range=colours[1])
            frame.pts, frame.time_base = round(next(times) * 90_000), Fraction(1, 90_000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if tone is not None:
            write_tone(container, tone, 1.0)
    return path


def add_tone(container: av.container.OutputContainer) -> av.AudioStream:
    """A stream for `write_tone`."""
    return container.add_stream("aac", rate=48_000, layout="mono")


def write_tone(container: av.container.OutputContainer, stream: av.AudioStream, duration_s: float) -> None:
    """440 Hz at -12 dBFS."""
    samples = 0.25 * np.sin(2 * np.pi * 440 * np.arange(int(48_000 * duration_s)) / 48_000)
    frame = av.AudioFrame.from_ndarray(samples.astype(np.float32)[None], format="fltp", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = 48_000, 0, Fraction(1, 48_000)
    container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def read_pictures(path: Path) -> list[np.ndarray]:
    """Every frame as uint8 RGB."""
    with av.open(str(path)) as container:
        return [rgb_of(frame) for frame in container.decode(video=0)]
