"""Who speaks, of several faces: the one that is largest, most central and longest in the picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from services.faces.condition import Condition
from services.faces.mesh import Face
from services.faces.smoothing import runs
from services.faces.tracking import JUMP, Track, apart

_CENTRAL = 0.35  # of the picture's width or height: a face this far from the middle counts 0.6 of one in it
_BRIEF = 3  # pictures: what is seen in fewer, of many, was no face


class Speaker:
    """The face that is followed. `faces` and `conditions` have one entry a picture; None where it is not seen."""

    def __init__(self, tracks: Sequence[Track], pictures: int, width: int, height: int) -> None:
        """`tracks` of `pictures` of `width` x `height` pixels."""
        self.faces: list[Face | None] = [None] * pictures
        self.conditions: list[Condition | None] = [None] * pictures
        for track in chosen(tracks, pictures, width, height):
            self.faces[track.first : track.end] = track.faces
            self.conditions[track.first : track.end] = track.conditions

    def runs(self) -> list[slice]:
        """Stretches in which the face moves without a gap and without a cut."""
        return [part for run in runs(np.array([face is not None for face in self.faces])) for part in self._parts(run)]

    def _parts(self, run: slice) -> Iterator[slice]:
        faces = [face for face in self.faces[run] if face]
        cuts = [place for place in range(1, len(faces)) if apart(faces[place], faces[place - 1]) > JUMP]
        edges = [run.start, *(run.start + place for place in cuts), run.stop]
        yield from (slice(start, end) for start, end in pairwise(edges))


def chosen(tracks: Sequence[Track], pictures: int, width: int, height: int) -> list[Track]:
    """The speaker's tracks: the weightiest one, and those that are never in the picture with it.

    After a cut the same person is a new face; who is there together with the speaker is somebody else.
    """
    kept: list[Track] = []
    lasting = [track for track in tracks if len(track.faces) >= min(_BRIEF, pictures)]
    for track in sorted(lasting, key=lambda each: -_weight(each, width, height)):
        if all(track.first >= other.end or track.end <= other.first for other in kept):
            kept.append(track)
    return kept


def several(tracks: Sequence[Track], pictures: int) -> list[bool]:
    """For every picture, whether it shows more than one face."""
    counts = np.zeros(pictures, int)
    for track in tracks:
        if len(track.faces) >= min(_BRIEF, pictures):
            counts[track.first : track.end] += [face is not None for face in track.faces]
    return [bool(count > 1) for count in counts]


def _weight(track: Track, width: int, height: int) -> float:
    """Sum over its pictures of the face's area, less where it is away from the middle."""
    faces = [face for face in track.faces if face]
    away = np.array([face.middle for face in faces]) / (width, height) - 0.5
    central = np.exp(-0.5 * np.square(away / _CENTRAL).sum(axis=1))
    return float((np.square([face.size for face in faces]) * central).sum())
