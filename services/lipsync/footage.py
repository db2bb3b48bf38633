"""Reading footage: every frame in order, or one box of a frame as RGB, forwards and backwards, in bounded memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import av
import cv2
import numpy as np
from av.container import InputContainer
from numpy import bool_, int64, uint8
from numpy.typing import NDArray

from services.base.errors import InvalidInputError
from services.faces.picture import shrunk
from services.lipsync.engine import Box
from services.media.source import open_source

_FIELD = "spec.footage"
_BT709, _LIMITED = 1, 1
_MISSING_SHARE = 0.02  # edit lists cut a frame or two at the ends; more missing frames are a cut-off file


def _rgb_of_yuv() -> NDArray[np.float64]:
    """3 x 4: 8-bit limited-range Y'CbCr to full-range RGB, ITU-R BT.709-6, tables 3 and 4; last column: the offset."""
    kr, kb = 0.2126, 0.0722
    kg = 1 - kr - kb
    luma, chroma = 255 / 219, 255 / 224
    red, blue = 2 * (1 - kr) * chroma, 2 * (1 - kb) * chroma
    linear = np.array([[luma, 0, red], [luma, -blue * kb / kg, -red * kr / kg], [luma, blue, 0]])
    return np.column_stack([linear, -linear @ (16, 128, 128)])


_RGB_OF_YUV = _rgb_of_yuv()


@dataclass(frozen=True)
class FrameIndex:
    """Time stamp (container units) of every frame in display order, and whether decoding can start there."""

    stamps: NDArray[int64]
    keys: NDArray[bool_]

    def start_of(self, frame: int) -> int:
        """The last frame at or before `frame` at which decoding can start."""
        starts = np.flatnonzero(self.keys[: frame + 1])
        return int(starts[-1]) if len(starts) else 0

    def number_of(self, stamp: int | None) -> int | None:
        """The frame that carries `stamp`, if one does."""
        number = int(np.searchsorted(self.stamps, -1 if stamp is None else stamp))
        return number if number < len(self.stamps) and self.stamps[number] == stamp else None


@contextmanager
def opened(path: Path) -> Iterator[InputContainer]:
    """Opens footage that has a picture. Raises InvalidInputError (UNREADABLE_FOOTAGE)."""
    try:
        container = open_source(path, _FIELD, "video", pictures=True)
    except InvalidInputError as error:
        raise InvalidInputError(error.problem, error.remedy, _FIELD, "UNREADABLE_FOOTAGE") from error
    with container:
        if not container.streams.video:
            raise _unreadable("it holds no picture")
        yield container


def decoded(container: InputContainer) -> Iterator[av.VideoFrame]:
    """Every frame as 8-bit 4:2:0 with a time stamp, in order. Raises InvalidInputError (UNREADABLE_FOOTAGE)."""
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    frames, size = 0, (0, 0)
    with _typed_errors():
        for frame in container.decode(stream):
            if frame.pts is None:
                raise _unreadable(f"frame {frames} has no time stamp")
            if frames and (frame.width, frame.height) != size:
                raise _unreadable(f"its picture changes size at frame {frames}")
            size = frame.width, frame.height
            frames += 1
            yield _as_yuv420(frame)
    if frames == 0 or frames < stream.frames * (1 - _MISSING_SHARE):
        raise _unreadable(f"it ends after {frames} of {stream.frames} frames")


def rgb_of(frame: av.VideoFrame, box: Box) -> NDArray[uint8]:
    """The pixels of `box` (even edges) as uint8 RGB (height, width, 3).

    Each chroma sample is repeated for its four pixels, so that averaging them, as an encoder does, gives it back.
    """
    planes = [
        _plane(frame, 0)[box.y : box.y + box.height, box.x : box.x + box.width],
        *(
            cv2.resize(
                _plane(frame, chroma)[box.y // 2 : (box.y + box.height) // 2, box.x // 2 : (box.x + box.width) // 2],
                (box.width, box.height),
                interpolation=cv2.INTER_NEAREST,
            )
            for chroma in (1, 2)
        ),
    ]
    return cast("NDArray[uint8]", cv2.transform(cv2.merge(planes), _RGB_OF_YUV))


@dataclass(frozen=True)
class FramePicture:
    """A frame in which faces are looked for: see services.faces.picture.Picture."""

    frame: av.VideoFrame

    @property
    def width(self) -> int:
        """Columns, but for an odd last one."""
        return self.frame.width // 2 * 2

    @property
    def height(self) -> int:
        """Rows, but for an odd last one."""
        return self.frame.height // 2 * 2

    def part(self, left: int, top: int, right: int, bottom: int, shrink: int) -> NDArray[uint8]:
        """See Picture; each plane is shrunk before it becomes RGB."""
        luma = shrunk(_plane(self.frame, 0)[top:bottom, left:right], shrink)
        half = slice(top // 2, bottom // 2), slice(left // 2, right // 2)
        size = luma.shape[1], luma.shape[0]
        chroma = (shrunk(_plane(self.frame, number)[half], shrink) for number in (1, 2))
        planes = [luma, *(cv2.resize(plane, size, interpolation=cv2.INTER_NEAREST) for plane in chroma)]
        return cast("NDArray[uint8]", cv2.transform(cv2.merge(planes), _RGB_OF_YUV))


def luma_of(frame: av.VideoFrame) -> NDArray[uint8]:
    """Luma of a frame, (height, width): a view that lives no longer than the frame."""
    return _plane(frame, 0)


class CropReader:
    """One box of each footage frame as RGB. Neighbours are cheap, forwards and backwards; a jump costs one GOP.

    Reads frames once while moving forward; keeps what it read last, at most `keep_bytes`.
    """

    def __init__(self, path: Path, index: FrameIndex, boxes: Sequence[Box | None], keep_bytes: int = 64 << 20) -> None:
        """`boxes[n]` is what is wanted of frame n; None: nothing."""
        self._index, self._boxes = index, boxes
        self._opening = opened(path)
        self._container = self._opening.__enter__()
        self._stream = self._container.streams.video[0]
        self._frames = self._container.decode(self._stream)
        self._next = 0
        self._kept: OrderedDict[int, NDArray[uint8]] = OrderedDict()
        largest = max((3 * box.width * box.height for box in boxes if box), default=1)
        self._keep = max(2, keep_bytes // largest)

    @property
    def kept_bytes(self) -> int:
        """Bytes of the boxes that are kept."""
        return sum(crop.nbytes for crop in self._kept.values())

    def rgb(self, frame: int) -> NDArray[uint8]:
        """uint8 RGB (height, width, 3) of the box of `frame`; shared, read only."""
        if frame not in self._kept:
            self._read_to(frame)
        self._kept.move_to_end(frame)
        return self._kept[frame]

    def _read_to(self, frame: int) -> None:
        start = self._index.start_of(frame)
        if not start <= self._next <= frame:
            self._seek(start)
        with _typed_errors():
            while self._next <= frame:
                self._keep_crop(next(self._frames, None))

    def _seek(self, start: int) -> None:
        with _typed_errors():
            self._container.seek(int(self._index.stamps[start]), stream=self._stream)
        self._frames = self._container.decode(self._stream)
        self._next = start

    def _keep_crop(self, frame: av.VideoFrame | None) -> None:
        if frame is None:
            raise _unreadable(f"it ends before frame {self._next}")
        number = self._index.number_of(frame.pts)
        if number is None or number < self._next:
            return
        self._next = number + 1
        if box := self._boxes[number]:
            self._kept[number] = rgb_of(_as_yuv420(frame), box)
        while len(self._kept) > self._keep:
            self._kept.popitem(last=False)

    def close(self) -> None:
        """Closes the file."""
        self._opening.__exit__(None, None, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _as_yuv420(frame: av.VideoFrame) -> av.VideoFrame:
    """The frame itself when it is what `conform` writes, else converted to it; untagged footage counts as such."""
    if frame.format.name == "yuv420p" and frame.colorspace in {_BT709, 2} and frame.color_range != 2:
        return frame
    converted = frame.reformat(format="yuv420p", dst_colorspace=_BT709, dst_color_range=_LIMITED)
    converted.pts = frame.pts
    return converted


def _plane(frame: av.VideoFrame, number: int) -> NDArray[uint8]:
    plane = frame.planes[number]
    lines: NDArray[uint8] = np.frombuffer(plane, uint8)  # type: ignore[call-overload]
    return lines.reshape(-1, plane.line_size)[: plane.height, : plane.width]


@contextmanager
def _typed_errors() -> Iterator[None]:
    try:
        yield
    except (av.FFmpegError, OSError) as error:
        raise _unreadable((getattr(error, "strerror", "") or "no known format").lower()) from error


def _unreadable(what: str) -> InvalidInputError:
    return InvalidInputError(
        f"The footage cannot be decoded: {what}.",
        "Give an MP4 or MOV file that plays to its end, or a PNG or JPEG picture.",
        _FIELD,
        "UNREADABLE_FOOTAGE",
    )
