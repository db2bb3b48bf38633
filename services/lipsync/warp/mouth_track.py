"""Where the mouth is throughout one footage file, kept on disk by the footage's hash for every process that asks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
from numpy import bool_, float64
from numpy.typing import NDArray

from services.base.errors import InvalidInputError
from services.enginekit.progress import Progress
from services.lipsync.array_files import Arrays, read_arrays, write_arrays
from services.lipsync.engine import LARGEST_PATCH_BYTES, Box, Footage, FootageReport
from services.lipsync.footage import FrameIndex, decoded, opened
from services.lipsync.warp.mouth import Mouth
from services.lipsync.warp.track import MouthTracker
from services.media.timeline import FRAME_RATE_HZ

_VERSION = 1  # of the file and of the tracker: older files are not read
_SMALLEST_FACE = 0.12  # of the picture's width: smaller faces have too few pixels to show speech
_MOUTH_AREA = (-1.15, -0.6, 1.15, 0.9)  # where a speaking mouth's lips go, as Mouth.box takes it


@dataclass(frozen=True)
class MouthTrack:
    """The mouth in every frame of footage. `rows`: float64 (frames, 6) as Mouth.as_row, nan without a face."""

    width: int
    height: int
    frame_rate_hz: float
    index: FrameIndex
    rows: NDArray[float64]
    several: NDArray[bool_]
    faces: NDArray[float64]  # (found, 4): x, y, width, height

    @property
    def frames(self) -> int:
        """Frames of the footage."""
        return len(self.rows)

    @cached_property
    def mouths(self) -> list[Mouth | None]:
        """The mouth in every frame; None without a face."""
        return [None if np.isnan(row).any() else Mouth(*(float(value) for value in row)) for row in self.rows]

    @cached_property
    def boxes(self) -> list[Box | None]:
        """The pixels that a patch of every frame covers; None without a face."""
        return [mouth.patch_box(self.width, self.height) if mouth else None for mouth in self.mouths]

    def report(self) -> FootageReport:
        """What a caller wants to know. Raises InvalidInputError (NO_FACE, FACE_TOO_LARGE)."""
        mouths = [mouth for mouth in self.mouths if mouth]
        if not mouths:
            raise _refused("No frame of the footage shows a face from the front.", "NO_FACE")
        if any(3 * box.width * box.height > LARGEST_PATCH_BYTES for box in self.boxes if box):
            raise _refused("The face is too large: its mouth alone fills a message.", "FACE_TOO_LARGE")
        return FootageReport(
            width=self.width,
            height=self.height,
            frame_rate_hz=self.frame_rate_hz,
            frames=self.frames,
            frames_without_face=self.frames - len(mouths),
            frames_with_several_faces=int(self.several.sum()),
            problems=tuple(self._problems()),
            mouth=_union([mouth.box(*_MOUTH_AREA, self.width, self.height) for mouth in mouths]),
            face=self._face(),
        )

    def _problems(self) -> list[str]:
        missing, several = int(np.isnan(self.rows).any(axis=1).sum()), int(self.several.sum())
        smallest = float(self.faces[:, 2].min())
        rate = self.frame_rate_hz
        found = {
            f"{missing} of {self.frames} frames show no face; they stay as they are.": missing > 0,
            f"{several} of {self.frames} frames show several faces; the largest one speaks.": several > 0,
            f"The face is only {smallest:.0f} pixels wide; closer footage looks better.": smallest
            < _SMALLEST_FACE * self.width,
            f"The footage has {rate:g} frames per second; films have {FRAME_RATE_HZ}.": self.frames > 1
            and abs(rate - FRAME_RATE_HZ) > 0.01,
        }
        return [problem for problem, present in found.items() if present]

    def _face(self) -> Box:
        left, top = self.faces[:, :2].min(axis=0).clip(0).astype(int)
        right, bottom = np.minimum((self.faces[:, :2] + self.faces[:, 2:]).max(axis=0), (self.width, self.height))
        return Box(int(left), int(top), int(right) - int(left), int(bottom) - int(top))

    def arrays(self) -> Arrays:
        """All of it, to be kept."""
        return {
            "shape": np.array((self.width, self.height, self.frame_rate_hz)),
            "stamps": self.index.stamps,
            "keys": self.index.keys,
            "rows": self.rows,
            "several": self.several,
            "faces": self.faces,
        }

    @classmethod
    def of(cls, kept: Arrays) -> Self:
        """From what `arrays` gave."""
        width, height, rate = kept["shape"]
        index = FrameIndex(kept["stamps"], kept["keys"])
        return cls(int(width), int(height), float(rate), index, kept["rows"], kept["several"], kept["faces"])


def load_track(footage: Footage, cache_root: Path, progress: Progress) -> MouthTrack:
    """The track of `footage`, from the cache or made now (phase "faces", units are frames).

    Raises InvalidInputError (NO_FACE, UNREADABLE_FOOTAGE, FACE_TOO_LARGE).
    """
    path = cache_root / "mouths" / f"{footage.sha256}-{_VERSION}.npz"
    kept = read_arrays(path)
    if kept is None:
        kept = _tracked(footage.path, progress).arrays()
        write_arrays(path, kept)
    track = MouthTrack.of(kept)
    track.report()
    return track


def _tracked(path: Path, progress: Progress) -> MouthTrack:
    tracker, stamps, keys = MouthTracker(), [], []
    with opened(path) as container:
        stream = container.streams.video[0]
        progress.phase("faces", stream.frames)
        for frame in decoded(container):
            tracker.look(frame)
            stamps.append(frame.pts)
            keys.append(frame.key_frame)
            size = frame.width, frame.height
            progress.advance()
        rate = float(stream.average_rate or 0)
    rows = [_row(mouth, *size) for mouth in tracker.mouths()]
    return MouthTrack(
        *size,
        rate,
        FrameIndex(np.array(stamps, np.int64), np.array(keys, bool)),
        np.array(rows, float64),
        np.array(tracker.several, bool),
        np.array(tracker.faces, float64).reshape(-1, 4),
    )


def _row(mouth: Mouth | None, width: int, height: int) -> tuple[float, ...]:
    """A mouth outside the picture does not count as one."""
    inside = mouth is not None and 0 <= mouth.x < width - 2 and 0 <= mouth.y < height - 2
    return mouth.as_row() if mouth and inside else (np.nan,) * 6


def _refused(problem: str, reason: str) -> InvalidInputError:
    remedy = {
        "NO_FACE": "Give footage in which the presenter looks at the camera, upright and well lit.",
        "FACE_TOO_LARGE": "Give footage of 1080 x 1920 pixels, or with the presenter farther from the camera.",
    }[reason]
    return InvalidInputError(problem, remedy, "spec.footage", reason)


def _union(boxes: list[Box]) -> Box:
    left, top = min(box.x for box in boxes), min(box.y for box in boxes)
    right, bottom = max(box.x + box.width for box in boxes), max(box.y + box.height for box in boxes)
    return Box(left, top, right - left, bottom - top)
