"""Pixels as video has them: 8-bit YUV 4:2:0 in BT.709 limited range, as views into a frame's own memory."""

from __future__ import annotations

from typing import NamedTuple, cast

import av
import cv2
import numpy as np
from numpy import uint8
from numpy.typing import NDArray

from services.media.colours import Rgb

BT709 = 1
"""BT.709 in ISO/IEC 23091-2, for primaries, transfer and matrix alike."""
UNSPECIFIED = 2
LIMITED_RANGE = 1
"""FFmpeg's AVCOL_RANGE_MPEG: luma 16 to 235, chroma 16 to 240."""

_KR, _KB = 0.2126, 0.0722  # ITU-R BT.709-6, table 3: luma is 0.2126 R + 0.7152 G + 0.0722 B
_KG = 1 - _KR - _KB


def _matrix() -> NDArray[np.float64]:
    luma = np.array([_KR, _KG, _KB]) * 219 / 255
    cb = np.array([-_KR, -_KG, 1 - _KB]) / (2 * (1 - _KB)) * 224 / 255
    cr = np.array([1 - _KR, -_KG, -_KB]) / (2 * (1 - _KR)) * 224 / 255
    return np.column_stack([np.stack([luma, cb, cr]), [16, 128, 128]])


YUV_OF_RGB = _matrix()
"""3 x 4: 8-bit RGB, full range, to 8-bit Y'CbCr, limited range; the last column is the offset."""


class Planes(NamedTuple):
    """One picture: luma (height, width) and both chromas (height / 2, width / 2), uint8."""

    y: NDArray[uint8]
    u: NDArray[uint8]
    v: NDArray[uint8]


def new_frame(width: int, height: int) -> av.VideoFrame:
    """An uninitialised yuv420p frame with the film's colour tags."""
    frame = av.VideoFrame(width, height, "yuv420p")
    frame.colorspace, frame.color_range = BT709, LIMITED_RANGE
    return frame


def planes_of(frame: av.VideoFrame) -> Planes:
    """Views into a yuv420p frame; writing to them changes the frame. They live no longer than the frame."""
    width, height = frame.width, frame.height
    sizes = ((height, width), (height // 2, width // 2), (height // 2, width // 2))
    views = []
    for plane, (rows, columns) in zip(frame.planes, sizes, strict=True):
        views.append(_lines(plane)[:rows, :columns])
    return Planes(*views)


def copy_planes(source: av.VideoFrame, target: Planes, x: int = 0, y: int = 0) -> None:
    """Copies the pixels of a yuv420p frame from column `x` and row `y` on, both even, as many as `target` has."""
    for view, pixels, subsampled in zip(target, planes_of(source), (1, 2, 2), strict=True):
        rows, columns = view.shape
        np.copyto(view, pixels[y // subsampled :, x // subsampled :][:rows, :columns])


def luma_of_rgb(rgb: NDArray[uint8]) -> NDArray[uint8]:
    """Luma of uint8 RGB (height, width, 3)."""
    # All three rows at once: OpenCV has a vectorised path for 3 x 4 only, four times as fast as one row.
    return cast("NDArray[uint8]", cv2.transform(rgb, YUV_OF_RGB))[..., 0]


def chroma_of_rgb(rgb: NDArray[uint8]) -> tuple[NDArray[uint8], NDArray[uint8]]:
    """Both chromas of uint8 RGB (height, width, 3), each the mean of 2 x 2 pixels; height and width are even."""
    height, width = rgb.shape[:2]
    halved = cv2.resize(rgb, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    converted = cast("NDArray[uint8]", cv2.transform(halved, YUV_OF_RGB))
    return converted[..., 1], converted[..., 2]


def fill(frame: av.VideoFrame, rgb: NDArray[uint8]) -> None:
    """Writes uint8 RGB (height, width, 3) into a yuv420p frame of that size; both sides are even."""
    planes = planes_of(frame)
    planes.y[...] = luma_of_rgb(rgb)
    planes.u[...], planes.v[...] = chroma_of_rgb(rgb)


def laid_over(frame: av.VideoFrame, backdrop: Rgb) -> av.VideoFrame:
    """A yuva420p frame in BT.709 limited range over one colour, as yuv420p; both sides are even."""
    made = new_frame(frame.width, frame.height)
    alpha = _lines(frame.planes[3])[: frame.height, : frame.width].astype(np.float32) / 255
    halved = cv2.resize(alpha, (frame.width // 2, frame.height // 2), interpolation=cv2.INTER_AREA)
    behind = YUV_OF_RGB @ (*backdrop, 1)
    for target, source, share, level in zip(
        planes_of(made), frame.planes[:3], (alpha, halved, halved), behind, strict=True
    ):
        rows, columns = target.shape
        target[...] = np.rint(level + share * (_lines(source)[:rows, :columns] - np.float32(level)))
    return made


def _lines(plane: av.video.plane.VideoPlane) -> NDArray[uint8]:
    lines: NDArray[uint8] = np.frombuffer(plane, uint8)  # type: ignore[call-overload]
    return lines.reshape(-1, plane.line_size)
