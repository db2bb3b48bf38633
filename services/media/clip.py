"""Clips from outside: every frame as it was recorded, and what is known of it before any is shown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
from av.container import InputContainer
from av.filter import Graph
from av.stream import Disposition
from av.video.stream import VideoStream

from services.base.errors import InvalidInputError
from services.media.colours import BLACK, Rgb
from services.media.formats import TAKEN
from services.media.framing.crop import CropPath
from services.media.framing.following import FaceFollower
from services.media.source import Damage, checked_codec, decoded, decoding, measured, open_source
from services.media.timeline import FRAME_RATE_HZ
from services.media.upright import Camera, Scaler, luma_thumbnail, shown_size, upright_rgb

_SAME_ASPECT = 0.02  # relative difference up to which a crop takes nothing that matters
_MIDDLE = (0.5, 0.5)
_NOTED_S = 0.5  # sound that outlasts the picture by more is noted


@dataclass(frozen=True)
class FootageLimits:
    """The most footage that is accepted; pixels of a picture or of a frame."""

    duration_s: float = 600.0
    pixels: int = 8192 * 8192


class Clip:
    """A video file from outside. Every pass opens it anew, so that none keeps more than a few frames.

    `damage` is from the last pass over all frames.
    """

    def __init__(self, path: Path, field: str, limits: FootageLimits) -> None:
        """Raises InvalidInputError for `field`: as `open_source`, and CUT_FILE, NO_PICTURE, TOO_LONG, TOO_LARGE."""
        self._path, self._field, self._limits = path, field, limits
        self.damage = Damage()
        self._crop_notes: tuple[str, ...] = ()
        with self.opened() as stream:
            self._check_size(stream.codec_context.width, stream.codec_context.height)
            self._pixel_aspect = stream.sample_aspect_ratio or Fraction(1)
            first = next(self._decoded(stream), None)
        if first is None:
            raise self._error("NO_PICTURE", "No picture of the video can be decoded.", "Export it again.")
        self.first = first
        with self.opened() as stream:
            assert isinstance(stream.container, InputContainer)
            self.rate_hz = float(stream.average_rate or 0)
            self._lengths = measured(stream.container, stream, field)
        self.duration_s = self._lengths.stream_s
        self._check_length(self.duration_s)

    @property
    def shown_size(self) -> tuple[float, float]:
        """Width and height as people see it: turned upright, with square pixels."""
        return shown_size(self.first, self._pixel_aspect)

    def notes(self) -> list[str]:
        """What a report should say of the file."""
        file_s = self._lengths.file_s
        longer = file_s - self.duration_s > _NOTED_S
        cut = f"The file lasts {file_s:.1f} s, its picture {self.duration_s:.1f} s; the picture counts."
        return ([cut] if longer else []) + self.damage.notes("the picture") + list(self._crop_notes)

    def film_frames(
        self, width: int, height: int, focus: tuple[float, float] | None, backdrop: Rgb = BLACK
    ) -> Iterator[av.VideoFrame]:
        """Frames as the film shows them, 25 a second. One may come several times; none is overwritten.

        Raises InvalidInputError for the field: TOO_LONG, and UNREADABLE_FILE when many packets are broken.
        """
        with decoding(self._field, "video"):
            path = self._crop_path(width / height, focus)
            camera = Camera(width, height, path, self.shown_size, self._pixel_aspect, backdrop)
            for count, (number, frame) in enumerate(at_film_rate(enumerate(self.frames()))):
                self._check_length(count / FRAME_RATE_HZ)
                yield camera.film(number, frame)

    def scaler(self, width: int, height: int, focus: tuple[float, float] = _MIDDLE, backdrop: Rgb = BLACK) -> Scaler:
        """Brings frames of the clip to a size."""
        return Scaler(width, height, focus, self._pixel_aspect, backdrop)

    def frames(self) -> Iterator[av.VideoFrame]:
        """Every decoded frame as it is, deinterlaced where it is interlaced."""
        self.damage = Damage()
        with self.opened() as stream:
            stream.thread_type = "AUTO"
            frames = self._decoded(stream)
            yield from _deinterlaced(frames, stream) if self.first.interlaced_frame else frames

    @contextmanager
    def opened(self) -> Iterator[VideoStream]:
        """The picture's stream, its file opened anew; decoder errors in the context become typed errors."""
        with open_source(self._path, self._field, "video") as container, decoding(self._field, "video"):
            moving = (each for each in container.streams.video if Disposition.attached_pic not in each.disposition)
            stream = next(moving, None)
            if stream is None:
                raise self._error("NO_PICTURE", "The file has no picture to play.", f"Send {TAKEN['video']}.")
            checked_codec(stream, self._field, "video")
            yield stream

    def _crop_path(self, aspect: float, focus: tuple[float, float] | None) -> CropPath:
        """Where the crop goes. Looks at every frame, unless next to nothing is cropped."""
        width, height = self.shown_size
        if abs(width / height / aspect - 1) < _SAME_ASPECT:
            return CropPath.fixed(focus or _MIDDLE)
        follower = FaceFollower(self.rate_hz)
        for frame in self.frames():
            follower.look(luma_thumbnail(frame), upright_rgb(frame) if follower.wants else None)
        path = follower.path(aspect, focus)
        self._crop_notes = path.notes
        return path

    def _decoded(self, stream: VideoStream) -> Iterator[av.VideoFrame]:
        for frame in decoded(stream, self._field, self.damage):
            self._check_size(frame.width, frame.height)
            yield frame

    def _check_size(self, width: int, height: int) -> None:
        if width * height > self._limits.pixels:
            problem = f"The video has {width} x {height} pixels, more than accepted."
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


def at_film_rate(frames: Iterable[tuple[int, av.VideoFrame]]) -> Iterator[tuple[int, av.VideoFrame]]:
    """One of the numbered frames for each 1/25 s from the first on, the last that begins near it.

    Some come several times, others are left out.
    """
    shown: tuple[int, av.VideoFrame] | None = None
    first_s, last_s, step_s, count = 0.0, 0.0, 1 / FRAME_RATE_HZ, 0
    for number, frame in frames:
        time_s = last_s + step_s if frame.time is None else frame.time
        if shown is None:
            first_s = time_s
        elif time_s > last_s:
            step_s = time_s - last_s
        place = _place(time_s - first_s)
        while shown is not None and count < place:
            yield shown
            count += 1
        shown, last_s = (number, frame), time_s
    if shown is not None:
        for _ in range(count, max(1, _place(last_s + step_s - first_s))):
            yield shown


def _place(time_s: float) -> int:
    return math.floor(time_s * FRAME_RATE_HZ + 0.5 + 1e-6)  # halves go up, so that 50 fps keeps every second frame
