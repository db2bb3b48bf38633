"""Looking at footage once: its frames, where the face is in each, and what a person should know about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy import float64
from numpy.typing import NDArray

from services.base.errors import InvalidInputError
from services.enginekit.progress import Progress
from services.lipsync.array_files import Arrays
from services.lipsync.engine import Box, Footage, FootageReport
from services.lipsync.footage import FrameIndex, decoded, opened
from services.lipsync.latentsync.face.crop import crop_matrix, crop_size, inverse
from services.lipsync.latentsync.face.landmarks import LandmarkProvider
from services.lipsync.latentsync.face.tracker import FaceTracker
from services.lipsync.latentsync.face.warp import box_around
from services.lipsync.latentsync.networks.cache import FootageCache
from services.media.timeline import FRAME_RATE_HZ

_REPORT_RESOLUTION = 256
_MOUTH = (0.26, 0.50, 0.74, 0.80)  # where lips come to lie in the crop, with room to open: left, top, right, bottom
_SMALL_FACE = 0.5  # of the network's picture: smaller ones are enlarged more than twice


@dataclass(frozen=True)
class PreparedFootage:
    """Footage after analysis. `points` (frames, 3, 2): brows and nose, NaN in frames without a face."""

    width: int
    height: int
    frame_rate_hz: float
    index: FrameIndex
    points: NDArray[float64]
    face_boxes: NDArray[float64]
    frames_with_several_faces: int

    @property
    def frames(self) -> int:
        """Frames of the footage."""
        return len(self.points)

    @cached_property
    def has_face(self) -> NDArray[np.bool_]:
        """(frames,): which frames show a face."""
        return np.asarray(np.isfinite(self.points).all(axis=(1, 2)))

    def matrices(self, resolution: int) -> NDArray[float64]:
        """Frame pixels to crop pixels, (frames, 2, 3); NaN in frames without a face."""
        return crop_matrix(self.points, resolution)

    def report(self) -> FootageReport:
        """The findings for people and for the layout of captions."""
        return FootageReport(
            width=self.width,
            height=self.height,
            frame_rate_hz=self.frame_rate_hz,
            frames=self.frames,
            frames_without_face=int((~self.has_face).sum()),
            frames_with_several_faces=self.frames_with_several_faces,
            problems=tuple(self._problems()),
            mouth=self._mouth(),
            face=self._face(),
        )

    def _problems(self) -> list[str]:
        problems = []
        if missing := int((~self.has_face).sum()):
            problems.append(f"{missing} of {self.frames} frames show no face; their mouth stays as it is.")
        if self.frames_with_several_faces:
            several = self.frames_with_several_faces
            problems.append(f"{several} frames show several faces; the largest is followed and lip-synced.")
        if self.frames > 1 and abs(self.frame_rate_hz - FRAME_RATE_HZ) > 0.01:
            problems.append(f"The footage has {self.frame_rate_hz:g} frames per second instead of {FRAME_RATE_HZ}.")
        height = float(np.median(self.face_boxes[:, 3]))
        if height < _SMALL_FACE * _REPORT_RESOLUTION:
            problems.append(f"The face is only {height:.0f} pixels tall; the new mouth cannot be sharper than that.")
        return problems

    def _mouth(self) -> Box | None:
        width, height = crop_size(_REPORT_RESOLUTION)
        area = (_MOUTH[0] * width, _MOUTH[1] * height, _MOUTH[2] * width, _MOUTH[3] * height)
        matrices = self.matrices(_REPORT_RESOLUTION)[self.has_face]
        boxes = [box_around(inverse(matrix), area, self.width, self.height) for matrix in matrices]
        seen = [(box.x, box.y, box.width, box.height) for box in boxes if box]
        return _around(seen) if seen else None

    def _face(self) -> Box:
        limits = np.array((self.width, self.height))
        corners = np.clip(self.face_boxes[:, :2], 0, limits)
        ends = np.clip(self.face_boxes[:, :2] + self.face_boxes[:, 2:], 0, limits)
        return _around(np.column_stack((corners, ends - corners)).tolist())


def prepare(footage: Footage, provider: LandmarkProvider, cache: FootageCache, progress: Progress) -> PreparedFootage:
    """Looks at every frame, or recalls what was found. Raises InvalidInputError (NO_FACE, UNREADABLE_FOOTAGE)."""
    kept = cache.arrays(f"faces-{provider.name}", lambda: _looked_at(footage, provider, progress))
    if len(kept["face_boxes"]) == 0:
        raise InvalidInputError(
            "No frame of the footage shows a face.",
            "Give footage in which one person looks towards the camera.",
            "spec.footage",
            "NO_FACE",
        )
    width, height, several = kept["numbers"].tolist()
    return PreparedFootage(
        width=width,
        height=height,
        frame_rate_hz=float(kept["frame_rate_hz"]),
        index=FrameIndex(kept["stamps"].astype(np.int64), kept["keys"].astype(np.bool_)),
        points=kept["points"].astype(float64),
        face_boxes=kept["face_boxes"].astype(float64),
        frames_with_several_faces=several,
    )


def _looked_at(footage: Footage, provider: LandmarkProvider, progress: Progress) -> Arrays:
    tracker = FaceTracker(provider)
    stamps, keys = [], []
    with opened(footage.path) as container:
        stream = container.streams.video[0]
        progress.phase("look for faces", stream.frames)
        for frame in decoded(container):
            stamps.append(frame.pts)
            keys.append(frame.key_frame)
            tracker.look(frame)
            progress.advance()
        numbers = stream.codec_context.width, stream.codec_context.height, tracker.frames_with_several_faces
        rate_hz = float(stream.average_rate or FRAME_RATE_HZ)
    return {
        "numbers": np.array(numbers),
        "frame_rate_hz": np.array(rate_hz),
        "stamps": np.array(stamps, np.int64),
        "keys": np.array(keys, np.bool_),
        "points": tracker.points(),
        "face_boxes": np.array(tracker.boxes).reshape(-1, 4),
    }


def _around(boxes: Sequence[Sequence[float]]) -> Box:
    rows = np.array(boxes)
    left, top = np.floor(rows[:, :2].min(axis=0)).astype(int).tolist()
    right, bottom = np.ceil((rows[:, :2] + rows[:, 2:]).max(axis=0)).astype(int).tolist()
    return Box(left, top, right - left, bottom - top)
