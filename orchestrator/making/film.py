"""A film's workflow: plan, segments side by side, assembly. A crash repeats only steps that were not finished."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from typing import Any, TypeVar

from orchestrator.client import ENDED_STATES
from orchestrator.jobs.database import DATABASE_AWAY
from orchestrator.jobs.durable import step
from orchestrator.jobs.metrics import JobMetrics
from orchestrator.jobs.progress import JobProgress
from orchestrator.jobs.records import Guard, JobAttempt, JobRecords, timestamp_now
from orchestrator.jobs.room import DiskRoom, needed_bytes
from orchestrator.making.assemble import assemble
from orchestrator.making.making import Making
from orchestrator.making.order import FrameClock, SegmentWindow
from orchestrator.making.plan import FilmPlan, make_plan
from orchestrator.making.preview import PREVIEW_NAME, GrowingPreview
from orchestrator.making.retry import RetryPolicy
from orchestrator.making.segment import SegmentMaker, SegmentPieces
from orchestrator.making.servers import Servers
from orchestrator.settings import OrchestratorSettings
from services.base.allocator import give_back
from services.base.errors import InternalError, NotFoundError, VigentError
from services.base.tracing.spans import continued, span
from services.media.colours import rgb_of_hex
from services.media.store import DAMAGED, MediaStore, StoredFile, media_ref
from services.media.timeline import FRAME_RATE_HZ
from services.text.notation.dictionary import Dictionary
from vigent.jobs.v1 import jobs_pb2

_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")
_MOST_MENDED = 5
"""How often a job begins again because of a damaged file: one that is no piece of ours is not made anew by that."""


class _StaleAttempt(Exception):  # noqa: N818 - nothing went wrong
    """There is nothing to do: by now the job has ended or belongs to another attempt."""


class FilmMaker:
    """Makes the films of all jobs of this process."""

    def __init__(
        self,
        settings: OrchestratorSettings,
        records: JobRecords,
        store: MediaStore,
        servers: Servers,
        metrics: JobMetrics,
        queue: Callable[[str, int], None],
        room: DiskRoom,
        require_room: Callable[[int], Awaitable[None]],
    ) -> None:
        """`queue` takes a job and the number of an attempt that is to follow this one.

        `require_room` makes room for so many bytes; raises ExhaustedError (DISK_FULL) or UnavailableError (STORE_AWAY).

        Raises InvalidInputError when a reading of the settings cannot be read.
        """
        self._settings, self._records, self._store, self._servers = settings, records, store, servers
        self._metrics, self._queue, self._room, self._require_room = metrics, queue, room, require_room
        self._dictionary = Dictionary.of(settings.pronunciations, "pronunciations")
        self._mended = Counter[str]()
        self._running: dict[tuple[str, int], asyncio.Task[None]] = {}

    async def make(self, job_id: str, attempt: int) -> None:
        """Makes the film of a job and records how that ended. When cancelled, it leaves the record as it is."""
        task = asyncio.create_task(self._make(job_id, self._records.attempt_at(job_id, attempt)))
        self._running[job_id, attempt] = task
        try:
            await task
        finally:
            self._running.pop((job_id, attempt), None)
            give_back()

    def _mends(self, job_id: str, error: VigentError) -> bool:
        """Whether a damaged piece may yet be made anew by beginning again."""
        if error.reason != DAMAGED or error.field.startswith("spec."):
            return False
        self._mended[job_id] += 1
        return self._mended[job_id] <= _MOST_MENDED

    async def begin_again(self, attempt: JobAttempt, why: str, guard: Guard | None = None) -> bool:
        """Queues another attempt, which finds all pieces that are whole and makes anew only those that are not.

        Returns whether there was something to begin again. Raises what `guard` raises.
        """
        begun = False

        def queue_again(job: jobs_pb2.Job) -> None:
            nonlocal begun
            _queue_again(job, why)
            begun = True

        with suppress(_StaleAttempt, NotFoundError):
            if (following := await attempt.give_up(queue_again, guard)) is not None:
                self._queue(attempt.job_id, following)
        if begun:
            _LOG.warning("job %s begins again: %s", attempt.job_id, why)
        return begun

    def interrupt(self, job_id: str, attempt: int) -> None:
        """Stops work on an attempt at once, if this process is working on it."""
        if task := self._running.get((job_id, attempt)):
            task.cancel()

    async def _make(self, job_id: str, attempt: JobAttempt) -> None:
        try:
            with self._room.given_back(job_id):
                outputs = await self._outputs(attempt)
        except* _StaleAttempt as stale:
            _LOG.info("job %s: %s", job_id, stale.exceptions[0])
        except* VigentError as group:
            await self._fail(job_id, attempt, _first(group))
        except* Exception:
            _LOG.exception("job %s failed", job_id)
            error = InternalError("The film could not be made.", "Retry the job; see the log.")
            await self._fail(job_id, attempt, error)
        else:
            self._mended.pop(job_id, None)
            await self._end(attempt, outputs)

    async def _end(self, attempt: JobAttempt, outputs: dict[str, StoredFile]) -> None:
        """The film takes the place of its preview, which is removed."""
        preview = ""

        def finish(job: jobs_pb2.Job) -> None:
            nonlocal preview
            preview = job.outputs[PREVIEW_NAME].sha256 if PREVIEW_NAME in job.outputs else ""
            _finish(job, outputs)

        job = await attempt.change(finish)
        if preview and job is not None and PREVIEW_NAME not in job.outputs:
            await asyncio.to_thread(self._store.discard, preview)

    async def _outputs(self, attempt: JobAttempt) -> dict[str, StoredFile]:
        resumed = False

        def begin(job: jobs_pb2.Job) -> None:
            nonlocal resumed
            resumed = job.HasField("start_time")
            _begin(job)

        job = await attempt.change(begin)
        if job is None:
            raise _StaleAttempt("it has been started again")
        executor = self._settings.executor_id
        with continued(job.traceparent), span("job", root=True, job=job.id, executor=executor) as making:
            if resumed:  # after a restart, by a peer that took it over, or as another attempt
                making.event("resumed", executor=executor)
            return await self._made(job, attempt)

    async def _made(self, job: jobs_pb2.Job, attempt: JobAttempt) -> dict[str, StoredFile]:
        progress, used = JobProgress(attempt, job.progress, self._metrics.stage_ended), set[str]()
        writer = asyncio.create_task(progress.keep_writing())
        try:
            progress.stage("prepare", "Looking at the footage.")
            await self._promise_room(job, progress)
            damaged: list[str] = []
            store = self._store.noting(damaged.append, used.add)
            prepare = partial(self._plan, job.spec, store, progress)
            with span("preparing"):
                plan = FilmPlan.from_json(await self._step("prepare", prepare, progress))
            used.add(plan.footage.sha256)
            making = self._making(job, plan, store, progress)
            preview = GrowingPreview(attempt, self._store, round(job.progress.playable_s * FRAME_RATE_HZ))
            pieces = await self._segments(making, progress, preview)
            progress.stage("mix", "Mixing the sound and joining the film.")
            share = _threadsafe(progress.share)
            mix = partial(_assembled, making, pieces, damaged, share)
            with span("mixing"):
                outputs = await self._step(
                    "assemble", lambda: making.policy.retried(mix, "the sound to be mixed"), progress
                )
            return {name: StoredFile(**output) for name, output in outputs.items()}
        finally:
            progress.stage_ended()
            writer.cancel()
            await progress.write()  # whatever the writer had not got round to
            await attempt.keep_pieces(used)

    async def _promise_room(self, job: jobs_pb2.Job, progress: JobProgress) -> None:
        """Waits until there is room for all of the film, and keeps it."""
        needed = await asyncio.to_thread(needed_bytes, job.spec, self._store)

        async def promise() -> None:
            await self._require_room(needed)
            self._room.promise(job.id, needed)

        await RetryPolicy(attempts=1, waits=progress.waits).retried(promise, "its turn")

    async def _step(self, name: str, work: Callable[[], Awaitable[_T]], progress: JobProgress) -> _T:
        """A durable step that begins once there is room on the disk, and begins again when none was left for it."""
        policy = RetryPolicy(attempts=1, waits=progress.waits)

        async def attempt() -> _T:
            await self._require_room(0)
            try:
                return await work()
            except ExceptionGroup as group:
                raise _first(group) from group

        return await step(name, lambda: policy.retried(attempt, "its turn"))

    async def _plan(self, spec: jobs_pb2.JobSpec, store: MediaStore, progress: JobProgress) -> dict[str, object]:
        report = _threadsafe(progress.share)
        policy = RetryPolicy(self._settings.attempts, waits=progress.waits, budgets=self._servers.retries)
        backdrop = rgb_of_hex(self._settings.backdrop)
        plan = await make_plan(spec, store, self._servers, report, policy, backdrop, self._dictionary)
        return plan.to_json()

    def _making(self, job: jobs_pb2.Job, plan: FilmPlan, store: MediaStore, progress: JobProgress) -> Making:
        settings = self._settings
        policy = RetryPolicy(settings.attempts, settings.outage_s, progress.waits, self._servers.retries)
        return Making(job.id, job.spec, plan, store, self._servers, settings, policy, self._metrics.retaken)

    async def _segments(
        self, making: Making, progress: JobProgress, preview: GrowingPreview
    ) -> Sequence[SegmentPieces]:
        plan = making.plan
        progress.plan([_segment_record(plan, index) for index in range(len(plan.sentences))])
        progress.stage("segments", f"Speaking {len(plan.sentences)} sentences.")
        clock, window = FrameClock(making.footage_starts()), SegmentWindow(self._settings.parallel_segments)
        maker = await asyncio.to_thread(SegmentMaker, making, clock, progress.frames)  # it breaks the title into lines

        async def make(index: int) -> SegmentPieces:
            async def work() -> dict[str, object]:
                await window.enter(index)
                with span("segment", index=index):
                    return (await maker.make(index)).to_json()

            pieces = SegmentPieces.from_json(await self._step(f"segment-{index}", work, progress))
            await clock.set_frames(index, pieces.frames)
            await window.leave(index)
            progress.finished(index, _segment_record(plan, index, pieces))
            self._room.used(making.job_id, pieces.film.size_bytes + pieces.voice.size_bytes)
            progress.playable(await preview.add(pieces))
            return pieces

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(make(index)) for index in range(len(plan.sentences))]
        return [task.result() for task in tasks]

    async def _fail(self, job_id: str, attempt: JobAttempt, error: BaseException) -> None:
        assert isinstance(error, VigentError)
        if error.reason == DATABASE_AWAY or self._mends(job_id, error):
            await self.begin_again(attempt, str(error))
            return
        _LOG.warning("job %s failed: %s", job_id, error.reason)
        self._mended.pop(job_id, None)
        await attempt.change(lambda job: _note_failure(job, error))


async def _assembled(
    making: Making, pieces: Sequence[SegmentPieces], damaged: Sequence[str], report: Callable[[float], None]
) -> dict[str, dict[str, Any]]:
    """Plain data, for the durable engine."""
    outputs = await assemble(making, pieces, damaged, report)
    return {name: asdict(output) for name, output in outputs.items()}


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that ended a task group; one that a retry cannot mend comes first."""
    errors = [_first(error) if isinstance(error, BaseExceptionGroup) else error for error in group.exceptions]
    return min(errors, key=lambda error: isinstance(error, VigentError) and error.retryable)


def _threadsafe(report: Callable[[float], None]) -> Callable[[float], None]:
    loop = asyncio.get_running_loop()

    def from_any_thread(share: float) -> None:
        loop.call_soon_threadsafe(report, share)

    return from_any_thread


def _begin(job: jobs_pb2.Job) -> None:
    if job.state in ENDED_STATES:
        raise _StaleAttempt("it has ended")
    job.state = jobs_pb2.JOB_STATE_RUNNING
    if not job.HasField("start_time"):
        job.start_time.CopyFrom(timestamp_now())


def _queue_again(job: jobs_pb2.Job, why: str) -> None:
    if job.state in ENDED_STATES:
        raise _StaleAttempt("it has ended")
    job.state = jobs_pb2.JOB_STATE_QUEUED
    job.progress.message = f"Begins again: {why}"


def _finish(job: jobs_pb2.Job, outputs: dict[str, StoredFile]) -> None:
    if job.state in ENDED_STATES:
        return
    job.outputs.pop(PREVIEW_NAME, None)
    for name, stored in outputs.items():
        job.outputs[name].CopyFrom(media_ref(stored))
    job.state = jobs_pb2.JOB_STATE_DONE
    job.end_time.CopyFrom(timestamp_now())
    job.progress.stage, job.progress.eta_s = "done", 0.0
    job.progress.percent = job.progress.stage_percent = 100.0
    job.progress.message = "The film is finished."


def _note_failure(job: jobs_pb2.Job, error: VigentError) -> None:
    if job.state in ENDED_STATES:
        return
    job.state = jobs_pb2.JOB_STATE_FAILED
    job.end_time.CopyFrom(timestamp_now())
    job.error.CopyFrom(
        jobs_pb2.JobError(reason=error.reason, message=error.problem, field=error.field, remedy=error.remedy)
    )
    job.progress.eta_s, job.progress.message = -1, f"{error.problem} {error.remedy}".strip()


def _segment_record(plan: FilmPlan, index: int, pieces: SegmentPieces | None = None) -> jobs_pb2.Segment:
    sentence = plan.sentences[index]
    record = jobs_pb2.Segment(text=sentence.text, char_start=sentence.char_start, first_film_frame=-1)
    if pieces:
        record.first_film_frame, record.frames = pieces.first_film_frame, pieces.frames
        record.first_footage_frame = pieces.first_footage_frame
        record.film.CopyFrom(media_ref(pieces.film))
        record.voice.CopyFrom(media_ref(pieces.voice))
    return record
