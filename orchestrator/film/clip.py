"""Clips from outside: frames upright, at the film's size, 25 a second."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.filter import Graph
from av.stream import Disposition
from av.video.stream import VideoStream

from orchestrator.film.ready import ready_frames
from services.base.errors import InvalidInputError
from services.media.crop import face_focus
from services.media.source import VIDEO_FORMATS, decoding, open_source
from services.media.timeline import FRAME_RATE_HZ
from services.media.upright import Scaler, is_upright, shown_size, upright_rgb

_BROKEN_SHARE = 0.05  # of packets; with more of them broken the clip is refused
_FOCUS_PICTURES = 5
_SAME_ASPECT = 0.02  # relative difference up to which a crop takes nothing that matters
_MIDDLE = (0.5, 0.5)


@dataclass(frozen=True)
class FootageLimits:
    """The most footage that is taken."""

    duration_s: float = 600.0
    pixels: int = 8192 * 4320


class Clip:
    """A video file from outside. Every pass opens it anew, so that none keeps more than a few frames."""

    def __init__(self, path: Path, field: str, limits: FootageLimits) -> None:
        """Raises InvalidInputError for `field`: as `open_source`, and NO_PICTURE, TOO_LONG, TOO_LARGE."""
        self._path, self._field, self._limits = path, field, limits
        with self._opened() as container:
            stream = self._video(container)
            self._check_size(stream.codec_context.width, stream.codec_context.height)
            self._pixel_aspect = stream.sample_aspect_ratio or Fraction(1)
            self.duration_s = 0.0 if container.duration is None else container.duration / av.time_base
            self._check_length(self.duration_s)
            first = next(self._decoded(container, stream), None)
        if first is None:
            raise self._error("NO_PICTURE", "No picture of the video can be decoded.", "Export it again.")
        self.first = first

    def film_frames(self, width: int, height: int, focus: tuple[float, float] | None) -> Iterator[av.VideoFrame]:
        """Frames as the film shows them. A frame may come several times; it is overwritten by none.

        Raises InvalidInputError for the field: TOO_LONG, and UNREADABLE_FILE when many packets are broken.
        """
        with decoding(self._field, VIDEO_FORMATS):
            scaler = Scaler(width, height, focus or self._focus(width / height), self._pixel_aspect)
            for count, frame in enumerate(at_film_rate(self.frames())):
                self._check_length(count / FRAME_RATE_HZ)
                yield scaler.scale(frame)

    def ready_frames(self, width: int, height: int) -> int:
        """How many frames `FootageReader` reads from the file as it is; 0 when it must be conformed."""
        if not is_upright(self.first):
            return 0
        with self._opened() as container, decoding(self._field, VIDEO_FORMATS):
            frames = ready_frames(container, self._video(container), width, height)
        return frames if frames and frames == sum(1 for _ in self.frames()) else 0

    def frames(self) -> Iterator[av.VideoFrame]:
        """Every decoded frame as it is, deinterlaced where it is interlaced."""
        with self._opened() as container:
            stream = self._video(container)
            stream.thread_type = "AUTO"
            frames = self._decoded(container, stream)
            yield from _deinterlaced(frames, stream) if self.first.interlaced_frame else frames

    def _focus(self, aspect: float) -> tuple[float, float]:
        shown_width, shown_height = shown_size(self.first, self._pixel_aspect)
        if abs(shown_width / shown_height / aspect - 1) < _SAME_ASPECT:
            return _MIDDLE
        return face_focus(upright_rgb(frame) for frame in self._samples()) or _MIDDLE

    def _samples(self) -> Iterator[av.VideoFrame]:
        with self._opened() as container:
            stream = self._video(container)
            for sample in range(_FOCUS_PICTURES):
                container.seek(int(self.duration_s * sample / _FOCUS_PICTURES * av.time_base))
                yield from islice(self._decoded(container, stream), 1)

    def _opened(self) -> InputContainer:
        return open_source(self._path, self._field, VIDEO_FORMATS)

    def _video(self, container: InputContainer) -> VideoStream:
        streams = [stream for stream in container.streams.video if Disposition.attached_pic not in stream.disposition]
        if not streams:
            raise self._error("NO_PICTURE", "The file has sound but no picture.", f"Send {VIDEO_FORMATS}.")
        if streams[0].codec_context is None:
            raise self._error("UNREADABLE_FILE", "The video has a codec that is not known.", f"Send {VIDEO_FORMATS}.")
        return streams[0]

    def _decoded(self, container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame]:
        packets, broken = 0, 0
        with decoding(self._field, VIDEO_FORMATS):
            for packet in container.demux(stream):
                packets += 1
                try:
                    frames = packet.decode()
                except MemoryError:
                    raise
                except FFmpegError:
                    broken += 1
                    continue
                for frame in frames:
                    self._check_size(frame.width, frame.height)
                    yield frame
        if broken > 1 + _BROKEN_SHARE * packets:
            problem = f"{broken} of {packets} packets of the video cannot be decoded."
            raise self._error("UNREADABLE_FILE", problem, "Export it again.")

    def _check_size(self, width: int, height: int) -> None:
        if width * height > self._limits.pixels:
            problem = f"The video has {width} x {height} pixels, more than is taken."
            raise self._error("TOO_LARGE", problem, "Send a smaller one; 1080 x 1920 is enough.")

    def _check_length(self, duration_s: float) -> None:
        if duration_s > self._limits.duration_s:
            problem = f"The video is longer than {self._limits.duration_s:g} s."
            raise self._error("TOO_LONG", problem, "Cut it; it is played back and forth under a longer voice.")

    def _error(self, reason: str, problem: str, remedy: str) -> InvalidInputError:
        return InvalidInputError(problem, remedy, self._field, reason)


def _deinterlaced(frames: Iterable[av.VideoFrame], stream: VideoStream) -> Iterator[av.VideoFrame]:
    graph = Graph()
    source, sink = graph.add_buffer(template=stream), graph.add("buffersink")
    graph.link_nodes(source, graph.add("bwdif", "mode=send_frame"), sink).configure()
    for frame in chain(frames, [None]):
        graph.vpush(frame)
        yield from _finished(graph)


def _finished(graph: Graph) -> Iterator[av.VideoFrame]:
    while True:
        try:
            yield graph.vpull()
        except (BlockingIOError, EOFError):
            return


def at_film_rate(frames: Iterable[av.VideoFrame]) -> Iterator[av.VideoFrame]:
    """One frame for each 1/25 s from the first frame on, the last that begins near it: repeated or left out at need."""
    shown: av.VideoFrame | None = None
    first_s, last_s, step_s, count = 0.0, 0.0, 1 / FRAME_RATE_HZ, 0
    for frame in frames:
        time_s = last_s + step_s if frame.time is None else frame.time
        if shown is None:
            first_s = time_s
        elif time_s > last_s:
            step_s = time_s - last_s
        place = _place(time_s - first_s)
        while shown is not None and count < place:
            yield shown
            count += 1
        shown, last_s = frame, time_s
    if shown is not None:
        for _ in range(count, max(1, _place(last_s + step_s - first_s))):
            yield shown


def _place(time_s: float) -> int:
    return math.floor(time_s * FRAME_RATE_HZ + 0.5 + 1e-6)  # halves go up, so that 50 fps keeps every second frame
