"""One segment's film, frame by frame as patches stream in: footage, patch, overlays, encode."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from numpy import uint8
from numpy.typing import NDArray

from orchestrator.film.encode import EncoderSettings
from orchestrator.film.segment import FilmSegment


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


class SegmentComposer:
    """Writes one segment's film to `target` (MP4). Used from one thread; leaving the context unfinished removes it."""

    def __init__(
        self, footage: Path, target: Path, first_film_frame: int, encoder: EncoderSettings = EncoderSettings()
    ) -> None:
        """Opens conformed `footage`; film frame n shows footage frame `timeline.footage_frame(n)`."""
        raise NotImplementedError

    def add_overlay(self, overlay: OverlayImage) -> None:
        """Lays a picture over the frames still to come; later pictures lie on top."""

    def add_frame(self, patch: PatchImage | None) -> None:
        """Composes and encodes the next film frame."""

    def finish(self) -> FilmSegment:
        """Closes the file."""
        raise NotImplementedError

    def __enter__(self) -> SegmentComposer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        pass
