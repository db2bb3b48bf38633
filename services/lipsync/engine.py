"""What a lip-sync engine is. Engines know pictures and samples, nothing of gRPC."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from numpy import int16, uint8
from numpy.typing import NDArray

from services.enginekit.capabilities import Capabilities
from services.enginekit.progress import Progress

LARGEST_PATCH_BYTES = 3 << 20
"""Limit for one patch's pixels: a gRPC message holds 4 MiB, and engines send the mouth, not the frame."""


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels of the footage."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class FootageReport:
    """What `prepare` found: size in pixels, rate, faces, problems in words, boxes around all mouths and all faces.

    Over the frames with a face: the median turn from the camera in degrees, and the median luma of the skin, 0 to 255;
    None where nobody looked at that.
    """

    width: int
    height: int
    frame_rate_hz: float
    frames: int
    frames_without_face: int
    frames_with_several_faces: int
    problems: tuple[str, ...]
    mouth: Box | None
    face: Box | None
    turned_degrees: float | None = None
    face_luma: float | None = None


class Quality(Enum):
    """How carefully to work."""

    DRAFT = "draft"
    STANDARD = "standard"
    BEST = "best"


@dataclass(frozen=True)
class Footage:
    """Footage at the film's size and rate: a local file and its content hash (lower-case hexadecimal SHA-256)."""

    path: Path
    sha256: str


@dataclass(frozen=True)
class LipsyncSpec:
    """What the voice is laid over. `first_film_frame` decides the footage frames used (`timeline.footage_frame`).

    `sample_rate_hz` has a whole number of samples a film frame; `seed`, 0 to 2^64 - 1, makes the patches repeatable.
    """

    footage: Footage
    first_film_frame: int
    sample_rate_hz: int
    quality: Quality = Quality.STANDARD
    seed: int = 0


@dataclass(frozen=True)
class Patch:
    """Changed pixels of one film frame: uint8 RGB (height, width, 3) at (x, y) of the footage; None: unchanged."""

    film_frame: int
    x: int = 0
    y: int = 0
    pixels: NDArray[uint8] | None = None


class LipsyncEngine(Protocol):
    """A lip-sync engine, living in the worker process. The constructor takes the engine settings and loads."""

    capabilities: Capabilities

    def prepare(self, footage: Footage, progress: Progress) -> Iterator[FootageReport]:
        """Looks at every frame of the footage and yields one report; cached by content hash.

        Raises InvalidInputError (reason NO_FACE) when no frame shows a face, (reason UNREADABLE_FOOTAGE) when it
        cannot be decoded, (reason FACE_TOO_LARGE) when a patch would be larger than LARGEST_PATCH_BYTES.
        """

    def lipsync(self, spec: LipsyncSpec, audio: Iterable[NDArray[int16]], progress: Progress) -> Iterator[Patch]:
        """Yields one Patch a film frame, in order, as the audio (int16 mono chunks of any length) comes.

        Yields ceil(samples / samples per frame) patches. The result does not depend on how the audio is chunked. Raises
        what `prepare` raises, which need not have been called.
        """
