"""The finished beginning of a film as one file that plays in a browser, replaced as the film grows."""

from __future__ import annotations

import asyncio
import logging

from orchestrator.client import ENDED_STATES
from orchestrator.film.preview_file import write_preview
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
"""The preview is written again each time the film has grown by this factor, so the total work stays linear."""


class GrowingPreview:
    """Keeps the job's output "preview.mp4": the finished segments from the start, pictures and voice."""

    def __init__(self, attempt: JobAttempt, store: MediaStore, written_frames: int) -> None:
        """`written_frames`: what could be watched before a crash or a retry; no shorter preview replaces that."""
        self._attempt, self._store, self._written_frames = attempt, store, written_frames
        self._pieces: dict[int, SegmentPieces] = {}
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
                    _LOG.warning("job %s: no longer preview: %s", self._attempt.job_id, error)
        return frames

    def _prefix(self) -> list[SegmentPieces]:
        prefix: list[SegmentPieces] = []
        while len(prefix) in self._pieces:
            prefix.append(self._pieces[len(prefix)])
        return prefix

    def _write(self, prefix: list[SegmentPieces]) -> StoredFile:
        pieces = film_segments(prefix, self._store), voice_segments(prefix, self._store)
        with self._store.temporary(".mp4") as target:
            # The id in it makes the file this job's alone: no other job loses its preview when it is discarded.
            write_preview(*pieces, target, comment=self._attempt.job_id)
            return self._store.adopt(target, "video/mp4")

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
