"""The way of a crop after the presenter's face: still while she stays, smooth when she walks, at once at a cut."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy import float64, uint8
from numpy.typing import NDArray

from services.faces.mesh import Face
from services.faces.picture import RgbPicture
from services.faces.smoothing import runs
from services.faces.speaker import Speaker
from services.faces.tracking import FaceTracker
from services.media.framing.crop import OUTSIDE, Crop, CropPath, cover

LOOKS_HZ = 6.25
"""How often faces are looked for: a face moves less than its own size in between."""

_STAYING = 0.25  # of the crop's side: a face that moves less is not followed
_CALM_S = 0.7  # standard deviation of the smoothing
_FASTEST = 0.8  # sides of the crop a second
_CUT = 25.0  # mean difference of two neighbouring pictures' luma at a cut
_LEAP = 1.0  # sizes of the face between two looks: a walk is slower
_MIDDLE = (0.5, 0.5)


class FaceFollower:
    """Looks at the pictures of a clip, then tells the way of the crop."""

    def __init__(self, rate_hz: float) -> None:
        """`rate_hz`: pictures a second."""
        self._rate_hz = rate_hz if rate_hz > 0 else LOOKS_HZ
        self._every = max(1, round(self._rate_hz / LOOKS_HZ))
        self._tracker = FaceTracker(LOOKS_HZ)
        self._luma: NDArray[uint8] | None = None
        self._changes: list[float] = []
        self._size = 1, 1

    @property
    def wants(self) -> bool:
        """Whether to look for faces in the next picture."""
        return len(self._changes) % self._every == 0

    def look(self, luma: NDArray[uint8], rgb: NDArray[uint8] | None) -> None:
        """The next picture: a thumbnail of its luma, always the same size, and itself where it is wanted."""
        before, self._luma = self._luma, luma
        self._changes.append(0.0 if before is None else float(np.abs(luma.astype(int) - before).mean()))
        if rgb is not None:
            self._size = rgb.shape[1], rgb.shape[0]
            self._tracker.look(RgbPicture(rgb))

    def path(self, aspect: float, focus: tuple[float, float] | None = None) -> CropPath:
        """The way of a crop of `aspect` (width / height); with a `focus` it stays there."""
        speaker = Speaker(self._tracker.tracks, self._tracker.pictures, *self._size)
        seen = [look for look, face in enumerate(speaker.faces) if face]
        pictures = len(self._changes)
        places = np.tile(focus or _MIDDLE, (max(1, pictures), 1))
        if seen and focus is None:
            middles = np.array([_middle(face) for face in speaker.faces if face]) / self._size
            places = self._followed(np.array(seen), middles, speaker, aspect)
        return CropPath(places, tuple(self._notes(speaker, places, aspect)))

    def _followed(
        self, looks: NDArray[np.int_], middles: NDArray[float64], speaker: Speaker, aspect: float
    ) -> NDArray[float64]:
        crop = cover(*self._size, aspect, _MIDDLE)
        side = np.array((crop.width, crop.height)) / self._size
        places = np.empty((len(self._changes), 2))
        for first, last in pairwise([0, *self._cuts(looks, middles, speaker), len(self._changes)]):
            inside = (looks * self._every >= first) & (looks * self._every < last)
            known = middles[inside] if inside.any() else middles[[np.abs(looks * self._every - first).argmin()]]
            at = looks[inside] * self._every if inside.any() else np.array([first])
            steps = np.arange(first, last)
            way = np.stack([np.interp(steps, at, known[:, axis]) for axis in (0, 1)], axis=1)
            places[first:last] = _calm(way, side, self._rate_hz)
        return places

    def _cuts(self, looks: NDArray[np.int_], middles: NDArray[float64], speaker: Speaker) -> Iterator[int]:
        """Pictures at which another shot begins, in which the face is elsewhere."""
        for (look, next_look), (middle, next_middle) in zip(pairwise(looks), pairwise(middles), strict=True):
            face = speaker.faces[look]
            assert face is not None
            start, end = look * self._every + 1, next_look * self._every + 1
            picture = start + int(np.argmax(self._changes[start:end]))
            leap = float(np.linalg.norm((next_middle - middle) * self._size))
            if self._changes[picture] > _CUT and leap > _LEAP * face.size / 2:
                yield picture

    def _notes(self, speaker: Speaker, places: NDArray[float64], aspect: float) -> Iterator[str]:
        outside = np.array(
            [
                face is not None and not _holds(cover(*self._size, aspect, self._place(places, look)), face)
                for look, face in enumerate(speaker.faces)
            ]
        )
        seconds = [(run.start / LOOKS_HZ, run.stop / LOOKS_HZ) for run in runs(outside)]
        if seconds:
            times = ", ".join(f"{start:.1f} to {end:.1f} s" for start, end in seconds[:3])
            more = f" and {len(seconds) - 3} times more" if len(seconds) > 3 else ""
            when = "" if self._tracker.pictures == 1 else f" from {times}{more}"
            yield f"{OUTSIDE}{when}; set where it looks with `focus`, or film with more room around."

    def _place(self, places: NDArray[float64], look: int) -> tuple[float, float]:
        x, y = places[min(look * self._every, len(places) - 1)]
        return float(x), float(y)


def focus_of(rgb: NDArray[uint8], aspect: float, focus: tuple[float, float] | None) -> CropPath:
    """What a crop of a single picture keeps."""
    follower = FaceFollower(LOOKS_HZ)
    follower.look(rgb[:1, :1, 0], rgb)
    return follower.path(aspect, focus)


def _middle(face: Face) -> tuple[float, float]:
    x, y, width, height = face.box
    return float(x + width / 2), float(y + height / 2)


def _holds(crop: Crop, face: Face) -> bool:
    """Whether a crop shows the face: its middle and most of it."""
    x, y, width, height = face.box
    across = min(x + width, crop.x + crop.width) - max(x, crop.x)
    down = min(y + height, crop.y + crop.height) - max(y, crop.y)
    return bool(across >= 0.7 * min(width, crop.width) and down >= 0.7 * min(height, crop.height))


def _calm(way: NDArray[float64], side: NDArray[float64], rate_hz: float) -> NDArray[float64]:
    """A way without trembling, without haste, and without need: it stays where a face moves little."""
    calm = np.empty_like(way)
    for axis, length in enumerate(side):
        low, high = np.percentile(way[:, axis], (2, 98))
        if high - low <= _STAYING * length:
            calm[:, axis] = (low + high) / 2
        else:
            calm[:, axis] = _slow(_blurred(way[:, axis], _CALM_S * rate_hz), _FASTEST * length / rate_hz)
    return calm


def _blurred(values: NDArray[float64], spread: float) -> NDArray[float64]:
    reach = min(round(3 * spread), 20 * len(values))
    kernel = np.exp(-0.5 * np.square(np.arange(-reach, reach + 1) / max(spread, 1e-6)))
    return np.convolve(np.pad(values, reach, mode="edge"), kernel / kernel.sum(), "valid")


def _slow(values: NDArray[float64], step: float) -> NDArray[float64]:
    """The mean of following with at most `step` a picture, forwards and backwards: neither late nor early."""
    ways = []
    for turned in (values, values[::-1]):
        way, now = np.empty_like(turned), turned[0]
        for place, value in enumerate(turned):
            now = now + np.clip(value - now, -step, step)
            way[place] = now
        ways.append(way)
    return np.asarray((ways[0] + ways[1][::-1]) / 2)
