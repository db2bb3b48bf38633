"""Where the mouth is throughout one footage file, kept on disk by the footage's hash for every process that asks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
from numpy import float32, float64
from numpy.typing import NDArray

from services.base.errors import InvalidInputError
from services.enginekit.progress import Progress
from services.lipsync.array_files import Arrays, read_arrays, write_arrays
from services.lipsync.engine import LARGEST_PATCH_BYTES, Box, Footage, FootageReport
from services.lipsync.findings import FaceFindings, face_box
from services.lipsync.footage import FrameIndex, decoded, opened
from services.lipsync.warp.contour import Lips, Mouth
from services.lipsync.warp.mouth import ramp
from services.lipsync.warp.track import MouthRows, MouthTracker

_VERSION = 3  # of the file and of the tracker: older files are not read
_FADING_YAW = (40.0, 58.0)  # degrees over which the lips of a head that turns away come to rest
_FADING_FRAMES = 5


@dataclass(frozen=True)
class MouthTrack:
    """The mouth in every frame of footage of `width` x `height` pixels."""

    width: int
    height: int
    frame_rate_hz: float
    index: FrameIndex
    rows: MouthRows

    @property
    def frames(self) -> int:
        """Frames of the footage."""
        return len(self.rows.points)

    @cached_property
    def mouths(self) -> list[Mouth | None]:
        """The mouth in every frame; None without a face, and where its lips are turned away, covered or cut off."""
        return [self._mouth(frame) if usable else None for frame, usable in enumerate(self.rows.findings.usable)]

    def _mouth(self, frame: int) -> Mouth | None:
        rows = self.rows
        mouth = Mouth.of(rows.points[frame], float(rows.sizes[frame]), Lips.of_row(rows.lips[frame]))
        return mouth if 0 <= mouth.x < self.width - 2 and 0 <= mouth.y < self.height - 2 else None

    @cached_property
    def boxes(self) -> list[Box | None]:
        """The pixels that a patch of every frame covers; None without a mouth."""
        return [mouth.patch_box(self.width, self.height) if mouth else None for mouth in self.mouths]

    @cached_property
    def amounts(self) -> NDArray[float64]:
        """For every frame how far the lips follow the voice, 0 to 1: less where they are about to be left alone."""
        yaw = np.abs(np.nan_to_num(self.rows.findings.rows[:, 0])).astype(float32)
        there = np.array([mouth is not None for mouth in self.mouths]) * (1 - ramp(yaw, *_FADING_YAW))
        padded = np.pad(there, _FADING_FRAMES // 2, mode="edge")
        return np.asarray(np.minimum(there, np.convolve(padded, np.ones(_FADING_FRAMES) / _FADING_FRAMES, "valid")))

    def report(self) -> FootageReport:
        """What a caller wants to know. Raises InvalidInputError (NO_FACE, FACE_TOO_LARGE)."""
        findings, mouths = self.rows.findings, [mouth for mouth in self.mouths if mouth]
        if not mouths:
            raise _refused("No frame of the footage shows a face from the front.", "NO_FACE")
        if any(3 * box.width * box.height > LARGEST_PATCH_BYTES for box in self.boxes if box):
            raise _refused("The face is too large: its mouth alone fills a message.", "FACE_TOO_LARGE")
        return FootageReport(
            width=self.width,
            height=self.height,
            frame_rate_hz=self.frame_rate_hz,
            frames=self.frames,
            frames_without_face=int((~findings.present).sum()),
            frames_with_several_faces=int(self.rows.several.sum()),
            problems=tuple(findings.problems(self.rows.several, self.frame_rate_hz, self.width)),
            mouth=_union([mouth.spoken_box(self.width, self.height) for mouth in mouths]),
            face=face_box(self.rows.boxes[findings.present], self.width, self.height),
            turned_degrees=findings.turned_degrees,
            face_luma=findings.face_luma,
        )

    def arrays(self) -> Arrays:
        """All of it, to be kept."""
        rows = self.rows
        return {
            "shape": np.array((self.width, self.height, self.frame_rate_hz)),
            "stamps": self.index.stamps,
            "keys": self.index.keys,
            "points": rows.points,
            "sizes": rows.sizes,
            "lips": rows.lips,
            "boxes": rows.boxes,
            "several": rows.several,
            "findings": rows.findings.rows,
        }

    @classmethod
    def of(cls, kept: Arrays) -> Self:
        """From what `arrays` gave."""
        width, height, rate = kept["shape"]
        names = ("points", "sizes", "lips", "boxes", "several")
        rows = MouthRows(**{name: kept[name] for name in names}, findings=FaceFindings(kept["findings"]))
        return cls(int(width), int(height), float(rate), FrameIndex(kept["stamps"], kept["keys"]), rows)


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
    index = FrameIndex(np.array(stamps, np.int64), np.array(keys, bool))
    return MouthTrack(*size, rate, index, tracker.rows())


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
