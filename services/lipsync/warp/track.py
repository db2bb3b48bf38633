"""Where the speaker's mouth is in every frame: the mesh of the face, smoothed, and what the pixels of the lips show."""

from __future__ import annotations

from dataclasses import dataclass

import av
import numpy as np
from numpy import bool_, float64
from numpy.typing import NDArray

from services.faces.mesh import Face
from services.faces.smoothing import smoothed
from services.faces.speaker import Speaker, several
from services.faces.tracking import FaceTracker
from services.lipsync.findings import FaceFindings
from services.lipsync.footage import FramePicture
from services.lipsync.warp.contour import MOUTH_POINTS, Lips, Mouth, mouth_points
from services.lipsync.warp.lips import find_lips
from services.media.timeline import FRAME_RATE_HZ

_LINE_FRAMES, _OPENING_FRAMES = 12.0, 2.0  # standard deviation of the smoothing of closed lips, and of open ones


@dataclass(frozen=True)
class MouthRows:
    """One row a frame, nan where no face is seen: points (frames, 44, 2), sizes (frames,), lips (frames, 7).

    `boxes` (frames, 4) are those of the face, `several` tells frames that show more than one.
    """

    points: NDArray[float64]
    sizes: NDArray[float64]
    lips: NDArray[float64]
    boxes: NDArray[float64]
    several: NDArray[bool_]
    findings: FaceFindings


class MouthTracker:
    """Follows faces through footage, and looks at the lips of each. Feed every frame in order, then ask for `rows`."""

    def __init__(self) -> None:
        self._faces = FaceTracker()
        self._lips: list[list[tuple[Face, Lips]]] = []
        """Those of every face, by frame."""
        self._size = 1, 1

    def look(self, frame: av.VideoFrame) -> None:
        """Looks at the next frame."""
        picture = FramePicture(frame)
        self._faces.look(picture)
        faces = [track.last for track in self._faces.seen]
        self._lips.append([(face, find_lips(picture, Mouth.of(mouth_points(face), face.size))) for face in faces])
        self._size = frame.width, frame.height

    def rows(self) -> MouthRows:
        """What was found of the face that speaks."""
        frames, tracks = self._faces.pictures, self._faces.tracks
        speaker = Speaker(tracks, frames, *self._size)
        points, sizes = np.full((frames, len(MOUTH_POINTS), 2), np.nan), np.full(frames, np.nan)
        lips, boxes = np.full((frames, 7), np.nan), np.full((frames, 4), np.nan)
        for place, seen in enumerate(self._lips):
            for face, found in seen:
                if face is speaker.faces[place]:
                    lips[place] = found.as_row()
        for run in speaker.runs():
            faces = [face for face in speaker.faces[run] if face]
            points[run], sizes[run] = _smooth(faces)
            boxes[run] = [face.box for face in faces]
            lips[run] = _steady(lips[run])
        return MouthRows(points, sizes, lips, boxes, np.array(several(tracks, frames), bool), FaceFindings.of(speaker))


def _smooth(faces: list[Face]) -> tuple[NDArray[float64], NDArray[float64]]:
    sizes = np.array([face.size for face in faces])
    usual = float(np.median(sizes))
    points = np.array([mouth_points(face) for face in faces])
    return smoothed(points, usual, FRAME_RATE_HZ), smoothed(sizes, usual, FRAME_RATE_HZ)


def _steady(rows: NDArray[float64]) -> NDArray[float64]:
    """Averages of what is known in the frames around; of open lips, which move, over fewer."""
    spreads = (_LINE_FRAMES,) * 3 + (_OPENING_FRAMES,) * 4
    return np.column_stack([_averaged(column, frames) for column, frames in zip(rows.T, spreads, strict=True)])


def _averaged(column: NDArray[float64], frames: float) -> NDArray[float64]:
    known = np.isfinite(column)
    if not known.any():
        return column
    kernel = np.exp(-0.5 * np.square(np.arange(-round(4 * frames), round(4 * frames) + 1) / frames))
    usual = float(column[known].mean())
    near = np.convolve(known, kernel, "full")[len(kernel) // 2 :][: len(column)]
    away = np.convolve(np.where(known, column - usual, 0), kernel, "full")[len(kernel) // 2 :][: len(column)]
    return np.asarray(usual + away / (near + 1e-3))
