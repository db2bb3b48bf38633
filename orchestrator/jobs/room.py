"""Room on the disk: promised to a job before it starts, used up piece by piece, and given back at its end.

Without that, jobs that start side by side all find the same free space, and fill the disk together.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from services.base.errors import VigentError
from services.media.store import MediaStore
from services.media.timeline import FRAME_RATE_HZ
from vigent.jobs.v1 import jobs_pb2

_WIDE_S, _NARROW_S = 0.3, 0.1
"""Seconds that a Chinese character and a letter take to say, with the pauses: slow speech."""
_BYTES_PER_PIXEL = 0.02
"""Of x264 at crf 20 on a face before a quiet background, at twice what was measured for the demo."""
_COPIES = 3  # a segment's film, its part of the whole film, its part of the preview
_SOUND_BYTES_PER_S = 400_000  # the voice as WAV, twice, and what is mixed


class DiskRoom:
    """What is promised on the disk of a media store. Promises are made on the event loop, and read on any thread."""

    def __init__(self, store: MediaStore, least_free_bytes: int) -> None:
        """`least_free_bytes` stay free whatever is promised."""
        self._store, self._least_free_bytes = store, least_free_bytes
        self._promised: dict[str, int] = {}

    @property
    def promised_bytes(self) -> int:
        """What jobs in the making may yet write."""
        return sum(tuple(self._promised.values()))  # which no other thread sees change

    def require(self, more_bytes: int = 0) -> None:
        """Raises ExhaustedError (DISK_FULL) unless there is room for `more_bytes` beyond what is promised.

        Raises UnavailableError (STORE_AWAY) when the disk is away.
        """
        self._store.require(self._least_free_bytes + self.promised_bytes + more_bytes)

    def promise(self, job_id: str, needed_bytes: int) -> None:
        """Keeps room for a job until `give_back`; raises what `require` raises."""
        self._promised.pop(job_id, None)  # of an attempt before
        self.require(needed_bytes)
        self._promised[job_id] = needed_bytes

    def used(self, job_id: str, written_bytes: int) -> None:
        """Notes that a part of it is written, and so shows as used on the disk itself."""
        if job_id in self._promised:
            self._promised[job_id] = max(0, self._promised[job_id] - written_bytes)

    @contextmanager
    def given_back(self, job_id: str) -> Iterator[None]:
        """Whatever is left of the promise is free for others at the end."""
        try:
            yield
        finally:
            self._promised.pop(job_id, None)


def needed_bytes(spec: jobs_pb2.JobSpec, store: MediaStore) -> int:
    """What a film takes at the most while it is made, as its script, its size and its footage let expect."""
    seconds = sum(_WIDE_S if unicodedata.east_asian_width(char) in "WF" else _NARROW_S for char in spec.script)
    film_bytes_per_s = spec.width * spec.height * FRAME_RATE_HZ * _BYTES_PER_PIXEL * _COPIES
    footage_bytes = 0
    with suppress(VigentError, OSError):  # the plan will say so
        footage_bytes = store.path(spec.footage.sha256).stat().st_size
    return round(seconds * (film_bytes_per_s + _SOUND_BYTES_PER_S)) + footage_bytes
