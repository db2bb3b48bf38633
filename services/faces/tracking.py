"""Following every face through pictures: the mesh from one to the next, the detector when a face appears or is lost.

A face keeps its identity while it is hidden for a moment, behind another one or in profile: by where it was and by how
it looks.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy import float64
from numpy.typing import NDArray

from services.faces.condition import Condition, condition_of
from services.faces.detection import FaceDetector
from services.faces.mesh import LEAST_PRESENCE, Face, FaceMesh, Fit, Region
from services.faces.picture import Picture

MOST_FACES = 4
"""Faces that are followed at once, the surest ones."""

JUMP = 0.3
"""Of a face's size, from one picture to the next: a cut, or another face."""

_SAME_PLACE = 0.4  # of a face's size: two meshes this near are on one face
_HIDDEN_S = 2.0  # a face that reappears later is a new one
_SEARCH_S = 0.12  # between two looks for faces that are hidden
_FASTEST = 3.0  # sizes of a face that it may travel a second while it is hidden
_ALIKE, _STRANGE = 0.6, 0.3  # correlation of how a face looked and looks: certainly the same, certainly another
_LEARNING = 0.05  # share of the newest picture in how a face is known to look
_LOOK_SIDE = 24


@dataclass(eq=False)
class Track:
    """One face from picture `first` on: None, None while it is hidden. `look`: how it looks, normalised."""

    first: int
    look: NDArray[float64]
    faces: list[Face | None] = field(default_factory=list)
    conditions: list[Condition | None] = field(default_factory=list)

    @property
    def end(self) -> int:
        """The picture after the last one that shows it."""
        return self.first + len(self.faces)

    @property
    def last(self) -> Face:
        """As it was seen last."""
        face = self.faces[-1]
        assert face is not None
        return face

    def see(self, picture: int, fit: Fit, look: NDArray[float64]) -> None:
        """The face in a picture after the last one."""
        hidden = [None] * (picture - self.end)
        self.faces += [*hidden, fit.face]
        self.conditions += [*hidden, condition_of(fit)]
        self.look = (1 - _LEARNING) * self.look + _LEARNING * look

    def join(self, later: Track) -> None:
        """`later` is this face, seen again after its end."""
        hidden = [None] * (later.first - self.end)
        self.faces += [*hidden, *later.faces]
        self.conditions += [*hidden, *later.conditions]

    def at(self, picture: int) -> Face | None:
        """The face in a picture; None where it is not seen."""
        return self.faces[picture - self.first] if self.first <= picture < self.end else None


@dataclass(frozen=True)
class _Sight:
    """What may be the face of a track in the picture that is looked at."""

    track: Track
    fit: Fit
    look: NDArray[float64]
    alike: float


class FaceTracker:
    """Follows faces through pictures of one size. Look at every picture in order, then read `tracks`."""

    def __init__(self, rate_hz: float = 25.0, detect_every_s: float = 1.0) -> None:
        """`rate_hz`: pictures a second; new faces are looked for every `detect_every_s`."""
        self.tracks: list[Track] = []
        self.pictures = 0
        """Pictures looked at."""
        self.seen: list[Track] = []
        """Faces in the last picture."""
        self._detector, self._mesh = FaceDetector(), FaceMesh()
        self._rate_hz = rate_hz
        self._detect_every, self._search_every = (max(1, round(rate_hz * s)) for s in (detect_every_s, _SEARCH_S))

    def look(self, picture: Picture) -> None:
        """Looks at the next picture."""
        before = self.seen
        sights = _parted([sight for track in before if (sight := self._followed(track, picture))])
        for sight in sights:
            sight.track.see(self.pictures, sight.fit, sight.look)
        self.seen = [sight.track for sight in sights]  # before any of them is recognised: who is seen is not hidden
        self.seen = [self._recognised(sight) for sight in sights]
        if len(self.seen) < len(before) or not self.seen or not self.pictures % self._interval():
            self._find(picture)
        self.pictures += 1

    def _interval(self) -> int:
        """Pictures between two runs of the detector."""
        return self._search_every if self._hidden() else self._detect_every

    def _hidden(self) -> list[Track]:
        """Faces that may come back."""
        oldest = self.pictures - self._rate_hz * _HIDDEN_S
        return [track for track in self.tracks if track not in self.seen and track.end > oldest]

    def _followed(self, track: Track, picture: Picture) -> _Sight | None:
        fit = self._mesh.fit(picture, track.last.region)
        if fit.face.presence < LEAST_PRESENCE or apart(fit.face, track.last) > JUMP:
            return None
        look = _look(fit)
        alike = float(look @ track.look)
        return _Sight(track, fit, look, alike) if alike > _STRANGE else None

    def _find(self, picture: Picture) -> None:
        """Takes in what the detector finds and nobody follows yet: a face that was hidden, or a new one."""
        for detection in self._detector.detect(picture):
            if len(self.seen) == MOST_FACES:
                break
            fit = self._mesh.settle(picture, Region.of(detection))
            if fit.face.presence >= LEAST_PRESENCE and not self._is_seen(fit.face):
                look = _look(fit)
                track = self._returned(fit.face, look, self.pictures) or self._new(look)
                track.see(self.pictures, fit, look)
                self.seen.append(track)

    def _is_seen(self, face: Face) -> bool:
        return any(apart(face, track.last) < _SAME_PLACE for track in self.seen)

    def _recognised(self, sight: _Sight) -> Track:
        """The track of a face: half hidden or turned aside at first, it is told by how it looks when it is whole."""
        known = self._returned(sight.fit.face, sight.look, sight.track.first)
        if not known:
            return sight.track
        known.join(sight.track)
        self.tracks.remove(sight.track)
        return known

    def _returned(self, face: Face, look: NDArray[float64], first: int) -> Track | None:
        """The face, hidden since before picture `first`, that this one is."""
        gone = (track for track in self._hidden() if track.end <= first)
        near = [track for track in gone if self._within_reach(track, face)]
        likest = max(near, key=lambda track: float(look @ track.look), default=None)
        return likest if likest and float(look @ likest.look) > _ALIKE else None

    def _within_reach(self, track: Track, face: Face) -> bool:
        hidden_s = (self.pictures - track.end + 1) / self._rate_hz
        return apart(face, track.last) < JUMP + _FASTEST * hidden_s

    def _new(self, look: NDArray[float64]) -> Track:
        track = Track(self.pictures, look)
        self.tracks.append(track)
        return track


def _parted(sights: list[_Sight]) -> list[_Sight]:
    """Of two sights of one face, the one that looks like itself: the other's face is hidden behind it."""
    kept: list[_Sight] = []
    for sight in sorted(sights, key=lambda each: -each.alike):
        if all(apart(sight.fit.face, other.fit.face) > _SAME_PLACE for other in kept):
            kept.append(sight)
    return kept


def apart(one: Face, other: Face) -> float:
    """Distance of two faces relative to their size, or the difference of their sizes where that is more."""
    away = float(np.linalg.norm(one.middle - other.middle))
    return max(away, abs(one.size - other.size)) / min(one.size, other.size)


def _look(fit: Fit) -> NDArray[float64]:
    """How a face looks: a small picture of it without its brightness and contrast; two of them correlate by `@`."""
    small = cv2.resize(fit.crop, (_LOOK_SIDE, _LOOK_SIDE), interpolation=cv2.INTER_AREA).astype(float64).ravel()
    away = small - small.mean()
    return np.asarray(away / max(1e-6, float(np.linalg.norm(away))))
