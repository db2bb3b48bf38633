"""What a maker should know of the face in footage, in words: where it is turned, covered, dark, blurred or small."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy import bool_, float64
from numpy.typing import NDArray

from services.faces.condition import covered
from services.faces.smoothing import runs
from services.faces.speaker import Speaker
from services.lipsync.engine import Box
from services.media.timeline import FRAME_RATE_HZ

TURNED_AWAY = 60.0
"""Degrees of yaw beyond which the lips are left alone: half of them cannot be seen."""
COVERED = 0.4
"""Share of the lower face behind something, from which on the lips are left alone."""

_TURNED = 35.0  # degrees: seen, and told
_DARK, _GLARING, _BLURRED = 45.0, 245.0, 0.055  # luma of the skin; sharpness
_SMALL_PX = 110.0  # width of a face whose new mouth has few pixels
_SMALL_SHARE = 0.2  # of the film's width
_SHORTEST_S = 0.3  # stretch that is worth a sentence
_MOST_STRETCHES = 3


@dataclass(frozen=True)
class FaceFindings:
    """One value a frame, nan without a face: yaw in degrees, width in pixels, light, sharpness, share covered."""

    rows: NDArray[float64]

    @classmethod
    def of(cls, speaker: Speaker) -> FaceFindings:
        """What is known of the face that is followed."""
        rows = np.full((len(speaker.faces), 5), np.nan)
        seen = [place for place, face in enumerate(speaker.faces) if face]
        for place in seen:
            face, condition = speaker.faces[place], speaker.conditions[place]
            assert face is not None
            assert condition is not None
            rows[place, :4] = face.yaw, face.box[2], condition.light, condition.sharpness
        if seen:
            skin = np.array([condition.skin for condition in speaker.conditions if condition])
            rows[seen, 4] = covered(skin)
        return cls(rows)

    @classmethod
    def of_boxes(cls, boxes: NDArray[float64], present: NDArray[bool_]) -> FaceFindings:
        """What boxes (frames, 4), some of them nan, tell of a face that is there where `present` says so."""
        rows = np.full((len(boxes), 5), np.nan)
        rows[present] = 0.0, np.nanmedian(boxes[:, 2]) if present.any() else 0.0, np.nan, np.nan, 0.0
        return cls(rows)

    @property
    def present(self) -> NDArray[bool_]:
        """Whether there is a face."""
        return np.asarray(~np.isnan(self.rows[:, 0]))

    @property
    def usable(self) -> NDArray[bool_]:
        """Whether there is a face whose lips can be moved."""
        yaw, share = np.nan_to_num(self.rows[:, 0], nan=90.0), np.nan_to_num(self.rows[:, 4], nan=1.0)
        return np.asarray((np.abs(yaw) < TURNED_AWAY) & (share < COVERED))

    @property
    def turned_degrees(self) -> float | None:
        """Median of how far the head is turned from the camera; None where nobody looked."""
        return self._usual(np.abs(self.rows[:, 0]))

    @property
    def face_luma(self) -> float | None:
        """Median luma of the skin, 0 to 255; None where nobody looked."""
        return self._usual(self.rows[:, 2])

    def _usual(self, values: NDArray[float64]) -> float | None:
        looked_at = np.isfinite(self.rows[:, 2])  # boxes alone tell neither
        return float(np.median(values[looked_at])) if looked_at.any() else None

    def problems(self, several: NDArray[bool_], frame_rate_hz: float, frame_width: int) -> list[str]:
        """Sentences for the maker; `several`: frames that show more than one face."""
        yaw, width, light, sharpness, share = self.rows.T
        with np.errstate(invalid="ignore"):
            stretches = (
                (np.abs(yaw) >= TURNED_AWAY, "the head is turned away from the camera; the mouth stays as it is."),
                (
                    (np.abs(yaw) >= _TURNED) & (np.abs(yaw) < TURNED_AWAY),
                    "the head is turned aside; lips look best from the front.",
                ),
                (share >= COVERED, "something covers the mouth; it stays as it is."),
                (light < _DARK, "the face is dark; light from the front helps."),
                (light > _GLARING, "the face is overexposed; less light or a shorter exposure helps."),
                (sharpness < _BLURRED, "the face is blurred; more light, a steady camera and focus on it help."),
            )
        return [
            *self._counts(several),
            *(line for mask, words in stretches for line in _told(mask, words, len(self.rows))),
            *_size(width, frame_width),
            *_rate(frame_rate_hz, len(self.rows)),
        ]

    def _counts(self, several: NDArray[bool_]) -> Iterator[str]:
        frames, missing = len(self.rows), int((~self.present).sum())
        if missing:
            yield f"{missing} of {frames} frames show no face; they stay as they are."
        if several.any():
            count = int(several.sum())
            yield f"{count} of {frames} frames show several faces; the largest, most central and longest one speaks."


def face_box(boxes: NDArray[float64], width: int, height: int) -> Box:
    """The box around boxes (n, 4), inside the picture."""
    left, top = np.clip(boxes[:, :2].min(axis=0), 0, (width, height)).astype(int)
    right, bottom = np.clip((boxes[:, :2] + boxes[:, 2:]).max(axis=0), 0, (width, height)).astype(int)
    return Box(int(left), int(top), int(right) - int(left), int(bottom) - int(top))


def _told(mask: NDArray[bool_], words: str, frames: int) -> Iterator[str]:
    """One sentence on the stretches of footage for which `mask` is true."""
    if frames == 1:
        yield from [f"In the picture {words}"] if mask[0] else []
        return
    found = [run for run in runs(mask) if run.stop - run.start >= _SHORTEST_S * FRAME_RATE_HZ]
    if sum(run.stop - run.start for run in found) > 0.9 * frames:
        yield f"Throughout, {words}"
        return
    times = [f"{run.start / FRAME_RATE_HZ:.1f} to {run.stop / FRAME_RATE_HZ:.1f} s" for run in found]
    more = f" and {len(times) - _MOST_STRETCHES} times more" if len(times) > _MOST_STRETCHES else ""
    if times:
        yield f"From {', '.join(times[:_MOST_STRETCHES])}{more} {words}"


def _size(width: NDArray[float64], frame_width: int) -> Iterator[str]:
    """Of a face that is small for its film; in a small film every face has few pixels."""
    usual = float(np.nanmedian(width)) if np.isfinite(width).any() else _SMALL_PX
    if usual < min(_SMALL_PX, _SMALL_SHARE * frame_width):
        yield f"The face is only {usual:.0f} pixels wide; closer footage looks better."


def _rate(frame_rate_hz: float, frames: int) -> Iterator[str]:
    if frames > 1 and abs(frame_rate_hz - FRAME_RATE_HZ) > 0.01:
        yield f"The footage has {frame_rate_hz:g} frames per second; films have {FRAME_RATE_HZ}."
