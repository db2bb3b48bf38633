"""Conformed footage, read frame by frame in either direction with no more than one GOP in memory."""

from __future__ import annotations

from bisect import bisect_right
from pathlib import Path
from types import TracebackType
from typing import Self

import av

from services.base.errors import InternalError
from services.enginekit.cores import usable_cores


class FootageReader:
    """Frames of conformed footage by number. Neighbours are cheap, forwards and backwards; a jump costs a GOP.

    Forwards each frame is decoded when it is asked for, while it is still in the processor's cache; backwards a GOP
    is decoded at once.
    """

    def __init__(self, path: Path, threads: int = 0) -> None:
        """Opens an MP4 as `conform` writes it: H.264 without B-frames, short closed GOPs."""
        self._container = av.open(str(path), format="mp4", metadata_errors="replace")
        self._stream = self._container.streams.video[0]
        entries = self._stream.index_entries
        self._stamps = [entry.timestamp for entry in entries]
        self._starts = [number for number, entry in enumerate(entries) if entry.is_keyframe]
        # A decoder of our own, because seeking drains the stream's. It works on slices, not on several frames at
        # once, so that without B-frames every packet gives its frame.
        self._decoder = av.CodecContext.create("h264", "r")
        self._decoder.extradata = self._stream.codec_context.extradata
        self._decoder.thread_type, self._decoder.thread_count = "SLICE", threads or usable_cores()
        self._packets = self._container.demux(self._stream)
        self._gop, self._decoded = 0, 0
        self._frames: list[av.VideoFrame] = []

    @property
    def frames(self) -> int:
        """Frames of the footage."""
        return len(self._stamps)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self._stream.codec_context.width, self._stream.codec_context.height

    def frame(self, number: int) -> av.VideoFrame:
        """Frame `number`, 0-based. Belongs to the decoder: read it, do not write to it."""
        gop = bisect_right(self._starts, number) - 1
        if gop != self._gop:
            self._enter(gop)
        first = self._starts[gop]
        while len(self._frames) <= number - first:
            self._frames.append(self._next_frame())
        return self._frames[number - first]

    def _enter(self, gop: int) -> None:
        if self._decoded != self._starts[gop]:
            self._container.seek(self._stamps[self._starts[gop]], stream=self._stream)
            self._packets = self._container.demux(self._stream)
            self._decoder.flush_buffers()
            self._decoded = self._starts[gop]
        self._frames, self._gop = [], gop

    def _next_frame(self) -> av.VideoFrame:
        frames = self._decoder.decode(next(self._packets))
        if len(frames) != 1:
            raise InternalError(f"Footage frame {self._decoded} gave {len(frames)} pictures.")
        self._decoded += 1
        return frames[0]

    def close(self) -> None:
        """Closes the file."""
        self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
