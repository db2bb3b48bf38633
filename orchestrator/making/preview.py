"""The finished beginning of a film as one file that plays in a browser, replaced by a longer one as the film grows."""

from __future__ import annotations

import asyncio
import logging
import shutil

from orchestrator.client import ENDED_STATES
from orchestrator.film.preview_file import PreviewWriter
from orchestrator.jobs.records import JobAttempt
from orchestrator.making.assemble import film_segments, voice_segments
from orchestrator.making.segment import SegmentPieces
from services.base.errors import VigentError
from services.media.store import MediaStore, StoredFile, media_ref
from services.media.timeline import FRAME_RATE_HZ
from vigent.jobs.v1 import jobs_pb2

_LOG = logging.getLogger(__name__)
PREVIEW_NAME = "preview.mp4"
_GROWTH = 1.3
"""The preview is told each time the film has grown by this factor, so that copying what it has stays linear, too."""


class GrowingPreview:
    """Keeps the job's output "preview.mp4": the finished segments from the start, pictures and voice."""

    def __init__(self, attempt: JobAttempt, store: MediaStore, written_frames: int) -> None:
        """`written_frames`: what could be watched before a crash or a retry; no shorter preview replaces that."""
        self._attempt, self._store, self._written_frames = attempt, store, written_frames
        self._pieces: dict[int, SegmentPieces] = {}
        self._begin_anew()
        self._lock = asyncio.Lock()

    async def add(self, pieces: SegmentPieces) -> int:
        """Adds a finished segment and returns how many frames of the film can be watched from the start."""
        self._pieces[pieces.index] = pieces
        async with self._lock:
            prefix = self._prefix()
            frames = sum(piece.frames for piece in prefix)
            if frames > max(FRAME_RATE_HZ, self._written_frames * _GROWTH):
                try:
                    await self._publish(await asyncio.to_thread(self._write, prefix))
                    self._written_frames = frames
                except VigentError as error:  # the film does not wait for it; a later sentence writes it
                    self._begin_anew()
                    _LOG.warning("job %s: no longer preview: %s", self._attempt.job_id, error)
        return frames

    def _prefix(self) -> list[SegmentPieces]:
        prefix: list[SegmentPieces] = []
        while len(prefix) in self._pieces:
            prefix.append(self._pieces[len(prefix)])
        return prefix

    def _begin_anew(self) -> None:
        # The id in it makes the file this job's alone: no other job loses its preview when it is discarded.
        self._writer, self._added = PreviewWriter(comment=self._attempt.job_id), 0
        self._written: StoredFile | None = None

    def _write(self, prefix: list[SegmentPieces]) -> StoredFile:
        """What was written before and, behind it, what has come since: nothing is encoded twice."""
        since = prefix[self._added :]
        with self._store.temporary(".mp4") as target:
            if self._written is not None:
                shutil.copyfile(self._store.path(self._written.sha256), target)
            with target.open("ab") as file:
                for pieces in zip(film_segments(since, self._store), voice_segments(since, self._store), strict=True):
                    self._writer.add(*pieces, file)
            self._written = self._store.adopt(target, "video/mp4")
        self._added = len(prefix)
        return self._written

    async def _publish(self, stored: StoredFile) -> None:
        superseded = ""

        def edit(job: jobs_pb2.Job) -> None:
            nonlocal superseded
            if job.state not in ENDED_STATES:
                superseded = job.outputs[PREVIEW_NAME].sha256
                job.outputs[PREVIEW_NAME].CopyFrom(media_ref(stored))

        await self._attempt.change(edit)
        if superseded and superseded != stored.sha256:
            await asyncio.to_thread(self._store.discard, superseded)
