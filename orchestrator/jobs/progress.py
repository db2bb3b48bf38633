"""How far a job is: reports of its stages become percent, time left and events, at most two a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from orchestrator.client import ENDED_STATES
from orchestrator.jobs.records import JobAttempt
from services.media.timeline import FRAME_RATE_HZ
from vigent.jobs.v1 import jobs_pb2

STAGE_SPANS_PERCENT = {"prepare": (0.0, 5.0), "segments": (5.0, 92.0), "mix": (92.0, 100.0)}
"""Where each stage begins and ends. The segments are nearly all of the work."""

_LEAST_SHARE_FOR_ETA = 0.05
_WRITE_INTERVAL_S = 0.5
"""Shortest time between two progress events of a job."""


class JobProgress:
    """Collects what is reported about one attempt at a job and writes it to the records, coalesced."""

    def __init__(
        self,
        attempt: JobAttempt,
        before: jobs_pb2.JobProgress,
        stage_ended: Callable[[str, float], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`before` is how far the job had come: work resumed after a crash or a retry finds what was finished.

        `stage_ended` gets the name of each stage and the seconds it took.
        """
        self._attempt, self._clock = attempt, clock
        self._message = "Looking at the footage."
        self._now = jobs_pb2.JobProgress(stage="prepare", eta_s=-1, message=self._message)
        self._now.percent, self._now.playable_s = before.percent, before.playable_s
        self._stage_begun_s = self._clock()
        self._stage_ended = stage_ended
        self._segments: list[jobs_pb2.Segment] = []
        self._shares: dict[int, float] = {}
        self._found_weight = 0
        self._weights: list[int] = []
        self._dirty = asyncio.Event()

    def stage(self, name: str, message: str) -> None:
        """Enters a stage of `STAGE_SPANS_PERCENT`."""
        if name != self._now.stage:
            self.stage_ended()
        self._now.stage, self._message = name, message
        self._stage_begun_s = self._clock()
        self.share(0.0)

    def stage_ended(self) -> None:
        """Reports how long the present stage took."""
        self._stage_ended(self._now.stage, self._clock() - self._stage_begun_s)

    def share(self, done: float) -> None:
        """Notes that `done` (0 to 1) of the present stage is done."""
        begin, end = STAGE_SPANS_PERCENT[self._now.stage]
        self._now.stage_percent = 100 * min(1.0, done)
        self._now.percent = max(self._now.percent, begin + (end - begin) * min(1.0, done))
        self._now.eta_s = self._estimate_s(done)
        self._now.message = self._message
        self._dirty.set()

    def waits(self, whom: str) -> None:
        """Notes that work has to wait for `whom`, until there is progress again."""
        self._now.message = f"Waiting for {whom}."
        self._dirty.set()

    def plan(self, segments: list[jobs_pb2.Segment]) -> None:
        """Notes the segments to be made."""
        self._segments = segments
        self._weights = [max(1, len(segment.text)) for segment in segments]
        self._now.segments_total = len(segments)
        self._dirty.set()

    def frames(self, index: int, done: int, total: int) -> None:
        """Notes that `done` of the `total` frames of segment `index` are composed."""
        self._shares[index] = done / max(1, total)
        weight = sum(share * self._weights[segment] for segment, share in self._shares.items())
        self.share(weight / sum(self._weights))

    def finished(self, index: int, segment: jobs_pb2.Segment) -> None:
        """Notes a finished segment and its pieces."""
        self._segments[index] = segment
        if index not in self._shares:  # found, not made: it does not tell how long the others will take
            self._found_weight += self._weights[index]
        self.frames(index, 1, 1)
        done = sum(1 for piece in self._segments if piece.HasField("film"))
        self._now.segments_done = done
        self._now.message = self._message = f"{done} of {len(self._segments)} sentences are finished."

    def playable(self, frames: int) -> None:
        """Notes that the first `frames` of the film can be watched."""
        self._now.playable_s = max(self._now.playable_s, frames / FRAME_RATE_HZ)
        self._dirty.set()

    def _estimate_s(self, done: float) -> float:
        found = self._found_weight / sum(self._weights) if self._now.stage == "segments" else 0.0
        made = done - found
        if self._now.stage == "prepare" or made <= _LEAST_SHARE_FOR_ETA * (1 - found):
            return self._now.eta_s
        return (self._clock() - self._stage_begun_s) * (1 - done) / made

    async def keep_writing(self) -> None:
        """Writes what has changed, until cancelled."""
        while True:
            await self._dirty.wait()
            await self.write()
            await asyncio.sleep(_WRITE_INTERVAL_S)

    async def write(self) -> None:
        """Writes the present state at once."""
        self._dirty.clear()
        await self._attempt.change(self._apply)

    def _apply(self, job: jobs_pb2.Job) -> None:
        if job.state in ENDED_STATES:
            return
        job.progress.CopyFrom(self._now)
        del job.segments[:]
        job.segments.extend(self._segments)
