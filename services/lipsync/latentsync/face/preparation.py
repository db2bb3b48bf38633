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
from services.lipsync.findings import FaceFindings, face_box
from services.lipsync.footage import FrameIndex, decoded, opened
from services.lipsync.latentsync.face.crop import crop_matrix, crop_size, inverse
from services.lipsync.latentsync.face.landmarks import LandmarkProvider
from services.lipsync.latentsync.face.warp import box_around
from services.lipsync.latentsync.networks.cache import FootageCache
from services.media.timeline import FRAME_RATE_HZ

_REPORT_RESOLUTION = 256
_MOUTH = (0.26, 0.50, 0.74, 0.80)  # where lips come to lie in the crop, with room to open: left, top, right, bottom


@dataclass(frozen=True)
class PreparedFootage:
    """Footage after analysis. `points` (frames, 3, 2): brows and nose, NaN where no face can be lip-synced."""

    width: int
    height: int
    frame_rate_hz: float
    index: FrameIndex
    points: NDArray[float64]
    face_boxes: NDArray[float64]
    several: NDArray[np.bool_]
    findings: FaceFindings

    @property
    def frames(self) -> int:
        """Frames of the footage."""
        return len(self.points)

    @cached_property
    def has_face(self) -> NDArray[np.bool_]:
        """(frames,): which frames show a face whose lips can be moved."""
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
            frames_without_face=int((~self.findings.present).sum()),
            frames_with_several_faces=int(self.several.sum()),
            problems=tuple(self.findings.problems(self.several, self.frame_rate_hz, self.width)),
            mouth=self._mouth(),
            face=face_box(self.face_boxes, self.width, self.height),
            turned_degrees=self.findings.turned_degrees,
            face_luma=self.findings.face_luma,
        )

    def _mouth(self) -> Box | None:
        width, height = crop_size(_REPORT_RESOLUTION)
        area = (_MOUTH[0] * width, _MOUTH[1] * height, _MOUTH[2] * width, _MOUTH[3] * height)
        matrices = self.matrices(_REPORT_RESOLUTION)[self.has_face]
        boxes = [box_around(inverse(matrix), area, self.width, self.height) for matrix in matrices]
        seen = [(box.x, box.y, box.width, box.height) for box in boxes if box]
        return _around(seen) if seen else None


def prepare(footage: Footage, provider: LandmarkProvider, cache: FootageCache, progress: Progress) -> PreparedFootage:
    """Looks at every frame, or recalls what was found. Raises InvalidInputError (NO_FACE, UNREADABLE_FOOTAGE)."""
    kept = cache.arrays(f"faces-{provider.name}", lambda: _looked_at(footage, provider, progress))
    if not np.isfinite(kept["points"]).any():
        raise InvalidInputError(
            "No frame of the footage shows a face.",
            "Give footage in which one person looks towards the camera.",
            "spec.footage",
            "NO_FACE",
        )
    width, height = kept["size"].tolist()
    boxes, findings = kept["face_boxes"].astype(float64), FaceFindings(kept["findings"].astype(float64))
    return PreparedFootage(
        width=width,
        height=height,
        frame_rate_hz=float(kept["frame_rate_hz"]),
        index=FrameIndex(kept["stamps"].astype(np.int64), kept["keys"].astype(np.bool_)),
        points=np.where(findings.usable[:, None, None], kept["points"], np.nan),
        face_boxes=boxes[np.isfinite(boxes).all(axis=1)],
        several=kept["several"].astype(np.bool_),
        findings=findings,
    )


def _looked_at(footage: Footage, provider: LandmarkProvider, progress: Progress) -> Arrays:
    tracker = provider.tracker()
    stamps, keys = [], []
    with opened(footage.path) as container:
        stream = container.streams.video[0]
        progress.phase("look for faces", stream.frames)
        for frame in decoded(container):
            stamps.append(frame.pts)
            keys.append(frame.key_frame)
            tracker.look(frame)
            progress.advance()
        size = stream.codec_context.width, stream.codec_context.height
        rate_hz = float(stream.average_rate or FRAME_RATE_HZ)
    rows = tracker.rows()
    return {
        "size": np.array(size),
        "frame_rate_hz": np.array(rate_hz),
        "stamps": np.array(stamps, np.int64),
        "keys": np.array(keys, np.bool_),
        "points": rows.points,
        "face_boxes": rows.boxes,
        "several": rows.several,
        "findings": rows.findings.rows,
    }


def _around(boxes: Sequence[Sequence[float]]) -> Box:
    rows = np.array(boxes)
    left, top = np.floor(rows[:, :2].min(axis=0)).astype(int).tolist()
    right, bottom = np.ceil((rows[:, :2] + rows[:, 2:]).max(axis=0)).astype(int).tolist()
    return Box(left, top, right - left, bottom - top)
