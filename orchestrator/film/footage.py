"""Conformed footage, read frame by frame in either direction with no more than one GOP in memory."""

from __future__ import annotations

from bisect import bisect_right
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

import av

from services.runtime.errors import InternalError


class FootageReader:
    """Frames of conformed footage by number. Neighbours come cheap, forwards and backwards; jumps cost one GOP."""

    def __init__(self, path: Path, threads: int = 0) -> None:
        """Opens an MP4 as `conform` writes it: H.264 without B-frames, short closed GOPs."""
        self._container = av.open(str(path), format="mp4")
        self._stream = self._container.streams.video[0]
        entries = self._stream.index_entries
        self._stamps = [entry.timestamp for entry in entries]
        self._starts = [number for number, entry in enumerate(entries) if entry.is_keyframe]
        # A decoder of our own, because seeking drains the stream's.
        self._decoder = av.CodecContext.create("h264", "r")
        self._decoder.extradata = self._stream.codec_context.extradata
        self._decoder.thread_count = threads
        self._packets = self._container.demux(self._stream)
        self._next_gop = 0
        self._gop = -1
        self._frames: list[av.VideoFrame] = []
        self._thread = ThreadPoolExecutor(1, "footage")
        self._ahead: tuple[int, Future[list[av.VideoFrame]]] | None = None

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
        return self._frames[number - self._starts[gop]]

    def _enter(self, gop: int) -> None:
        expected, future = self._ahead or (-1, None)
        if future is None or expected != gop:
            future = self._thread.submit(self._decode, gop)
        self._frames = future.result()
        self._ahead = self._look_ahead(gop, 1 if gop > self._gop else -1)
        self._gop = gop

    def _look_ahead(self, gop: int, step: int) -> tuple[int, Future[list[av.VideoFrame]]] | None:
        following = gop + step if 0 <= gop + step < len(self._starts) else gop - step
        if not 0 <= following < len(self._starts):
            return None
        return following, self._thread.submit(self._decode, following)

    def _decode(self, gop: int) -> list[av.VideoFrame]:
        start = self._starts[gop]
        end = self._starts[gop + 1] if gop + 1 < len(self._starts) else self.frames
        if gop != self._next_gop:
            self._container.seek(self._stamps[start], stream=self._stream)
            self._packets = self._container.demux(self._stream)
        packets = [next(self._packets) for _ in range(end - start)]
        frames = [frame for packet in [*packets, None] for frame in self._decoder.decode(packet)]
        self._decoder.flush_buffers()
        self._next_gop = gop + 1
        if len(frames) != end - start:
            raise InternalError(f"Footage frames {start} to {end} gave {len(frames)} pictures.")
        return frames

    def close(self) -> None:
        """Closes the file."""
        self._thread.shutdown()
        self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
