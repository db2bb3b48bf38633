"""Footage and voices for the tests: a real photograph set in motion, films with cuts, speech with known pauses."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import av
import cv2
import numpy as np
from numpy import bool_, float64, int16, uint8
from numpy.typing import NDArray
from skimage.data import astronaut

from services.enginekit.progress import Progress
from services.lipsync.engine import Box, Footage, LipsyncSpec, Patch
from services.lipsync.footage import decoded, opened, rgb_of
from services.lipsync.warp.engine import WarpEngine
from services.media.timeline import footage_frame, samples_per_frame

PRESENTER = Path(__file__).parents[2] / "assets" / "demo" / "presenter.mp4"
RATE_HZ = 24_000
FACE_XY = (226.0, 120.0)  # middle of the astronaut's face in her photograph


def placed(frame: int, width: int = 360, height: int = 640, zoom: float = 1.6) -> NDArray[float64]:
    """Matrix (2, 3) that sets the photograph into a picture, swaying like a head."""
    t = frame / 25
    matrix = cv2.getRotationMatrix2D(FACE_XY, 2 * np.sin(0.9 * t), zoom * (1 + 0.03 * np.sin(1.1 * t)))
    sway = 5 * np.sin(1.7 * t), 4 * np.sin(1.3 * t + 1)
    matrix[:, 2] += (width / 2 - FACE_XY[0] + sway[0], 0.4 * height - FACE_XY[1] + sway[1])
    return matrix


def portrait(frame: int = 0, width: int = 360, height: int = 640, zoom: float = 1.6) -> NDArray[uint8]:
    """uint8 RGB picture of the astronaut."""
    matrix = placed(frame, width, height, zoom)
    return cv2.warpAffine(astronaut(), matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)


def empty_room(width: int = 360, height: int = 640) -> NDArray[uint8]:
    """A picture without a face."""
    across = np.linspace(60, 200, width, dtype=uint8)
    return np.repeat(np.repeat(across[None, :, None], height, axis=0), 3, axis=2)


def write_mp4(path: Path, pictures: Iterable[NDArray[uint8]], gop: int = 12, b_frames: int = 0, rate: int = 25) -> Path:
    """Encodes pictures as H.264, index in front."""
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.pix_fmt = "yuv420p"
        stream.codec_context.gop_size, stream.codec_context.max_b_frames = gop, b_frames
        stream.codec_context.options = {"preset": "veryfast", "crf": "18"}
        stream.codec_context.colorspace = stream.codec_context.color_range = 1
        for picture in pictures:
            if not stream.codec_context.is_open:
                stream.height, stream.width = picture.shape[:2]
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            container.mux(stream.encode(frame.reformat(format="yuv420p", dst_colorspace=1, dst_color_range=1)))
        container.mux(stream.encode())
    return path


def footage(path: Path) -> Footage:
    return Footage(path, hashlib.sha256(path.read_bytes()).hexdigest())


def lipsynced(
    engine: WarpEngine,
    path: Path,
    chunks: Iterable[NDArray[int16]],
    first_film_frame: int = 0,
    progress: Progress | None = None,
) -> Iterator[Patch]:
    return engine.lipsync(LipsyncSpec(footage(path), first_film_frame, RATE_HZ), chunks, progress or Progress())


def syllables(seconds: float, seed: int = 1, tilt: float = 0.6) -> NDArray[int16]:
    """A voice of 130 Hz in syllables, phrases of about a second with pauses between. Larger `tilt` is darker."""
    random = np.random.default_rng(seed)
    t = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    buzz = sum(np.sin(2 * np.pi * 130 * k * t + k) * np.exp(-tilt * k / 2) for k in range(1, 24))
    loudness, at = np.zeros_like(t), 0.4
    while at < seconds - 0.4:
        for _ in range(int(random.integers(4, 7))):
            length = random.uniform(0.14, 0.24)
            loudness += random.uniform(0.3, 1.0) * np.exp(-0.5 * ((t - at) / (length / 3)) ** 2)
            at += length
        at += random.uniform(0.4, 0.7)
    return np.asarray(0.25 * loudness * buzz / np.abs(buzz).max() * 32767, int16)


def loudness_per_frame(pcm: NDArray[int16]) -> NDArray[float64]:
    """Root mean square of every film frame, the last one padded."""
    samples = samples_per_frame(RATE_HZ)
    padded = np.pad(pcm.astype(float64), (0, -len(pcm) % samples))
    return np.sqrt(np.square(padded.reshape(-1, samples)).mean(axis=1))


def rests_of(patches: list[Patch], path: Path) -> list[NDArray[uint8]]:
    """The footage's pixels where each patch goes."""
    with opened(path) as container:
        frames = container.streams.video[0].frames
        shown = [footage_frame(patch.film_frame, frames) for patch in patches]
        boxes = {number: box_of(patch) for number, patch in zip(shown, patches, strict=True)}
        crops = {
            number: rgb_of(frame, boxes[number]) for number, frame in enumerate(decoded(container)) if number in boxes
        }
    return [crops[number] for number in shown]


def box_of(patch: Patch) -> Box:
    assert patch.pixels is not None
    height, width = patch.pixels.shape[:2]
    return Box(patch.x, patch.y, width, height)


def dark_of_mouth(patch: Patch, rest: NDArray[uint8]) -> NDArray[bool_]:
    """Pixels of the patch's upper half that are less than half as bright as in the footage."""
    assert patch.pixels is not None
    was, now = rest.mean(axis=2), patch.pixels.mean(axis=2)
    return ((now < 0.5 * was) & (was > 50))[: len(was) // 2]
