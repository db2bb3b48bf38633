"""One segment's film, frame by frame as patches stream in: footage, patch, overlays, encode."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import cv2
from numpy import uint8
from numpy.typing import NDArray

from orchestrator.film.blend import Layer, paste
from orchestrator.film.encode import DEFAULT_ENCODER, FRAME_TIME, EncoderSettings, add_film_stream
from orchestrator.film.footage import FootageReader
from orchestrator.film.join import FilmSegment
from services.media.timeline import footage_frame
from services.media.yuv import copy_planes, new_frame, planes_of


@dataclass(frozen=True)
class PatchImage:
    """Pixels that replace the footage's: uint8 RGB (height, width, 3) with its top left corner at (x, y)."""

    x: int
    y: int
    rgb: NDArray[uint8]


@dataclass(frozen=True)
class OverlayImage:
    """A picture over `frames` film frames from `first_film_frame`: uint8 RGBA, straight alpha, top left at (x, y)."""

    first_film_frame: int
    frames: int
    x: int
    y: int
    rgba: NDArray[uint8]


SEAM_FRAMES = 6
"""Long enough to hide that the presenter has moved, short enough to fall into the pause after a sentence."""


@dataclass(frozen=True)
class Seam:
    """The end of a segment, after which the footage goes on at another place, `footage_frame`.

    Its last frames are blended over into the footage before that place, so that nothing jumps.
    """

    end_film_frame: int
    footage_frame: int

    def at(self, film_frame: int) -> tuple[int, float] | None:
        """The place in the footage that is blended over `film_frame`, and its share; None before the seam."""
        left = self.end_film_frame - film_frame
        return (self.footage_frame - left, 1 - left / (SEAM_FRAMES + 1)) if left <= SEAM_FRAMES else None


class Canvas:
    """Composes film frames into one buffer: footage by ping-pong, then the patch, then the overlays in their order.

    Film frame n shows footage frame `timeline.footage_frame(n + footage_offset)`.
    """

    def __init__(self, footage: FootageReader, footage_offset: int = 0, seam: Seam | None = None) -> None:
        self._footage, self._offset, self._seam = footage, footage_offset, seam
        width, height = footage.size
        self._shape = height, width
        self._layers: list[tuple[int, int, Layer]] = []
        self.frame = new_frame(width, height)
        self._planes = planes_of(self.frame)

    def add_overlay(self, overlay: OverlayImage) -> None:
        """Lays a picture over the frames that it names."""
        layer = Layer(overlay.x, overlay.y, overlay.rgba, self._shape)
        self._layers.append((overlay.first_film_frame, overlay.first_film_frame + overlay.frames, layer))

    def compose(self, film_frame: int, patch: PatchImage | None) -> av.VideoFrame:
        """Composes `film_frame` into `frame`, which is overwritten by the next call."""
        copy_planes(self._footage_at(film_frame + self._offset), self._planes)
        if patch is not None:
            paste(self._planes, patch.x, patch.y, patch.rgb)
        if self._seam is not None and (blended := self._seam.at(film_frame)):
            self._blend(*blended)
        self._layers = [shown for shown in self._layers if film_frame < shown[1]]
        for first, _, layer in self._layers:
            if first <= film_frame:
                layer.blend(self._planes)
        return self.frame

    def _footage_at(self, place: int) -> av.VideoFrame:
        return self._footage.frame(footage_frame(place, self._footage.frames))

    def _blend(self, place: int, share: float) -> None:
        for own, other in zip(self._planes, planes_of(self._footage_at(place)), strict=True):
            cv2.addWeighted(own, 1 - share, other, share, 0, dst=own)


class SegmentComposer:
    """Writes one segment's film while its patches come. For one thread; use as a context manager.

    Leaving the context without `finish` removes what was written.
    """

    def __init__(
        self,
        footage: Path,
        target: Path,
        first_film_frame: int,
        encoder: EncoderSettings = DEFAULT_ENCODER,
        footage_offset: int = 0,
        seam: Seam | None = None,
    ) -> None:
        """Opens conformed `footage`; film frame n shows footage frame `timeline.footage_frame(n + footage_offset)`."""
        self._target = target
        self._first_film_frame = first_film_frame
        self._frames = 0
        self._finished = False
        self._footage = FootageReader(footage)
        self._canvas = Canvas(self._footage, footage_offset, seam)
        self._container = av.open(str(target), "w", format="mp4")
        self._stream = add_film_stream(self._container, *self._footage.size, encoder)

    def add_overlay(self, overlay: OverlayImage) -> None:
        """Lays a picture over frames still to come; pictures added later lie on top."""
        self._canvas.add_overlay(overlay)

    def add_frame(self, patch: PatchImage | None) -> None:
        """Composes and encodes the next film frame; None leaves the footage as it is."""
        frame = self._canvas.compose(self._first_film_frame + self._frames, patch)
        frame.pts, frame.time_base = self._frames, FRAME_TIME
        self._container.mux(self._stream.encode(frame))  # encoders copy the frame, so the buffer is free again
        self._frames += 1

    def finish(self) -> FilmSegment:
        """Ends the segment: encodes what is waiting and closes the file."""
        self._container.mux(self._stream.encode(None))
        self._finished = True
        self._close()
        return FilmSegment(self._target, self._frames)

    def _close(self) -> None:
        self._container.close()
        self._footage.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if not self._finished:
            self._close()
            self._target.unlink(missing_ok=True)
