"""Brings footage to the film's size and rate: a picture is one frame, a clip constant 25 fps with short closed GOPs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import av
import cv2
from numpy import uint8
from numpy.typing import NDArray

from orchestrator.film.encode import FRAME_TIME, add_footage_stream
from orchestrator.film.ready import ready_frames
from services.media.clip import Clip, FootageLimits
from services.media.colours import BLACK, Rgb
from services.media.formats import sniff
from services.media.framing.crop import CropPath, cover
from services.media.framing.following import focus_of
from services.media.picture import read_picture
from services.media.timeline import FRAME_RATE_HZ
from services.media.yuv import fill, new_frame

FIELD = "spec.footage"
DEFAULT_LIMITS = FootageLimits()


@dataclass(frozen=True)
class ConformedFootage:
    """Footage as the film needs it. `path` is the source itself when it was already right (`changed` is False).

    `notes` are sentences on what was skipped in the source.
    """

    path: Path
    width: int
    height: int
    frames: int
    changed: bool
    notes: tuple[str, ...] = ()


Progress = Callable[[int, int], None]
"""Takes frames done and frames in all (estimated)."""


def conform(
    source: Path,
    target: Path,
    width: int,
    height: int,
    progress: Progress = lambda _done, _total: None,
    *,
    focus: tuple[float, float] | None = None,
    limits: FootageLimits = DEFAULT_LIMITS,
    backdrop: Rgb = BLACK,
) -> ConformedFootage:
    """Writes `source` as `width` x `height` H.264 at 25 fps to `target` (MP4), cropped to cover the canvas.

    `focus` is what the crop keeps, as shares of the upright picture's width and height; None: the face, which it
    follows, or the middle where there is none. `backdrop` shows where the source is transparent. Blocking; files from
    outside belong in `sandbox.run_limited("orchestrator.film.conform:conform", ...)`. Raises InvalidInputError (field
    "spec.footage"; reasons EMPTY_FILE, WRONG_FILE_TYPE, CUT_FILE, UNREADABLE_FILE, NO_PICTURE, TOO_LONG, TOO_LARGE).
    """
    if sniff(source, "video", "image", field=FIELD).medium == "image":
        picture = read_picture(source, FIELD, limits.pixels, backdrop)
        path = focus_of(picture, width / height, focus)
        frames = _write(target, width, height, [_covering(picture, width, height, path)], 1, progress)
        return ConformedFootage(target, width, height, frames, changed=True, notes=path.notes)
    clip = Clip(source, FIELD, limits)
    if frames := ready_frames(clip, width, height):
        return ConformedFootage(source, width, height, frames, changed=False, notes=tuple(clip.notes()))
    estimated = round(clip.duration_s * FRAME_RATE_HZ)
    frames = _write(target, width, height, clip.film_frames(width, height, focus, backdrop), estimated, progress)
    return ConformedFootage(target, width, height, frames, changed=True, notes=tuple(clip.notes()))


def _covering(rgb: NDArray[uint8], width: int, height: int, path: CropPath) -> av.VideoFrame:
    """The part of a picture that covers the canvas, as a frame."""
    crop = cover(rgb.shape[1], rgb.shape[0], width / height, path.at(0))
    left, top, columns, rows = (max(0, round(side)) for side in (crop.x, crop.y, crop.width, crop.height))
    part = rgb[top : top + max(1, rows), left : left + max(1, columns)]
    smooth = cv2.INTER_AREA if crop.width > width else cv2.INTER_CUBIC
    frame = new_frame(width, height)
    fill(frame, cast("NDArray[uint8]", cv2.resize(part, (width, height), interpolation=smooth)))
    return frame


def _write(
    target: Path, width: int, height: int, frames: Iterable[av.VideoFrame], estimated: int, progress: Progress
) -> int:
    count = 0
    with av.open(str(target), "w", format="mp4", options={"movflags": "faststart"}) as container:
        stream = add_footage_stream(container, width, height)
        for frame in frames:
            frame.pts, frame.time_base, frame.pict_type = count, FRAME_TIME, 0
            container.mux(stream.encode(frame))
            count += 1
            progress(count, max(count, estimated))
        container.mux(stream.encode(None))
    return count
