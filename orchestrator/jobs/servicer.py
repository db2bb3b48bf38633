"""The job service: vigent.jobs.v1 on top of the records, the durable engine and the film maker."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from grpc import aio

from orchestrator.client import ENDED_STATES
from orchestrator.jobs.collector import Collector
from orchestrator.jobs.durable import DurableEngine
from orchestrator.jobs.forecast import Forecaster
from orchestrator.jobs.records import JobRecords, timestamp_now
from orchestrator.jobs.spec import complete_spec
from orchestrator.jobs.turns import Owner, owner_of
from orchestrator.making.film import FilmMaker
from orchestrator.making.sample import Sampler
from orchestrator.settings import OrchestratorSettings
from services.base.errors import FailedPreconditionError, InvalidInputError
from services.base.tracing.spans import span
from services.media.store import MediaStore, media_ref
from services.runtime.running_calls import RunningCalls
from vigent.jobs.v1 import jobs_pb2
from vigent.jobs.v1.jobs_pb2_grpc import JobServiceServicer

SERVICE = "vigent.jobs.v1.JobService"

_Context = aio.ServicerContext[Any, Any]
_LONGEST_KEY = 200
_DEFAULT_PAGE, _LARGEST_PAGE = 20, 100
_LONGEST_TOKEN = 18  # digits: any such number fits in 64 bits
_LONGEST_GRACE_S = 1e9
_WATCH_POLL_S = 1.0
"""How often to look for changes made by another orchestrator; changes made by this one wake the watcher at once."""

_RETRYABLE_STATES = frozenset({jobs_pb2.JOB_STATE_FAILED, jobs_pb2.JOB_STATE_CANCELLED})


class JobServicer(JobServiceServicer):
    """Takes jobs, reports on them, and cancels, retries and deletes them. Cleans up."""

    def __init__(
        self,
        records: JobRecords,
        engine: DurableEngine,
        maker: FilmMaker,
        store: MediaStore,
        settings: OrchestratorSettings,
        calls: RunningCalls,
        sampler: Sampler,
        collector: Collector,
        forecaster: Forecaster,
    ) -> None:
        """`calls`: those of this servicer, which tell when the orchestrator drains."""
        self._records, self._engine, self._maker, self._store = records, engine, maker, store
        self._max_queued_jobs, self._platform = settings.max_queued_jobs, settings.platform
        self._calls, self._sampler, self._collector, self._forecaster = calls, sampler, collector, forecaster

    async def SubmitJob(self, request: jobs_pb2.SubmitJobRequest, context: _Context) -> jobs_pb2.SubmitJobResponse:
        """Takes a job; refuses a spec that could never become a film, and any job while queue or disk are full."""
        if len(request.idempotency_key) > _LONGEST_KEY:
            problem = f"The key has {len(request.idempotency_key)} characters, the limit is {_LONGEST_KEY}."
            raise InvalidInputError(problem, "Use a shorter key.", "idempotency_key")
        owner = owner_of(request)
        await self._collector.require_room()
        spec = await asyncio.to_thread(complete_spec, request.spec, self._store, self._platform)
        job = jobs_pb2.Job(id=_new_id(), spec=spec, state=jobs_pb2.JOB_STATE_QUEUED, create_time=timestamp_now())
        _wait_in_queue(job)
        with span("submit", root=True, job=job.id) as submitting:
            job.traceparent = submitting.traceparent
            return await asyncio.shield(self._submit(job, request.idempotency_key, owner))

    async def GetJob(self, request: jobs_pb2.GetJobRequest, context: _Context) -> jobs_pb2.GetJobResponse:
        """Reads one job."""
        return jobs_pb2.GetJobResponse(job=await self._records.get(request.id))

    async def ListJobs(self, request: jobs_pb2.ListJobsRequest, context: _Context) -> jobs_pb2.ListJobsResponse:
        """Lists jobs, newest first."""
        size = request.page_size or _DEFAULT_PAGE
        if not 1 <= size <= _LARGEST_PAGE:
            raise InvalidInputError(f"A page cannot have {size} jobs.", f"Give 1 to {_LARGEST_PAGE}.", "page_size")
        before = _position_of(request.page_token)
        jobs, following = await self._records.list_page(size, before, request.state)
        return jobs_pb2.ListJobsResponse(jobs=jobs, next_page_token="" if following is None else str(following))

    async def WatchJob(
        self, request: jobs_pb2.WatchJobRequest, context: _Context
    ) -> AsyncIterator[jobs_pb2.WatchJobResponse]:
        """Sends every event after the given one, until the job ends; a drain does not wait for that."""
        seen = request.after_event_id
        while True:
            change = self._records.next_change(request.id)
            job = await self._records.get(request.id)
            for event in await self._records.events_after(request.id, seen):
                yield jobs_pb2.WatchJobResponse(event=event)
                seen = event.id
            if job.state in ENDED_STATES:
                return
            await _wait(change, _WATCH_POLL_S)
            self._calls.raise_if_refusing()

    async def CancelJob(self, request: jobs_pb2.CancelJobRequest, context: _Context) -> jobs_pb2.CancelJobResponse:
        """Cancels a job at once; an ended one stays as it is."""
        return await asyncio.shield(self._cancel(request.id))

    async def RetryJob(self, request: jobs_pb2.RetryJobRequest, context: _Context) -> jobs_pb2.RetryJobResponse:
        """Queues a failed or cancelled job again; finished pieces are found, not made again."""
        job = await self._records.get(request.id)
        if job.state in _RETRYABLE_STATES:  # its files may have been deleted in the meantime
            await asyncio.to_thread(complete_spec, job.spec, self._store)
        return await asyncio.shield(self._retry(request.id))

    async def DeleteJob(self, request: jobs_pb2.DeleteJobRequest, context: _Context) -> jobs_pb2.DeleteJobResponse:
        """Forgets an ended job; its own files follow."""
        await asyncio.shield(self._collector.delete(request.id))
        return jobs_pb2.DeleteJobResponse()

    async def Clean(self, request: jobs_pb2.CleanRequest, context: _Context) -> jobs_pb2.CleanResponse:
        """Removes what no job and no library needs."""
        grace_s = request.grace_s if request.HasField("grace_s") else None
        if grace_s is not None and not 0 <= grace_s <= _LONGEST_GRACE_S:
            raise InvalidInputError(f"{grace_s:g} s is no grace time.", "Give 0 seconds or more.", "grace_s")
        cleaned = await self._collector.clean(grace_s, finished_pieces=request.finished_pieces, dry_run=request.dry_run)
        return jobs_pb2.CleanResponse(cleaned=[jobs_pb2.Cleaned(**asdict(kind)) for kind in cleaned])

    async def DrawSample(self, request: jobs_pb2.DrawSampleRequest, context: _Context) -> jobs_pb2.DrawSampleResponse:
        """Draws a sample of the film that the spec would become."""
        spec = await asyncio.to_thread(complete_spec, request.spec, self._store, self._platform)
        if request.moving:
            return jobs_pb2.DrawSampleResponse(mp4=await self._sampler.draw_moving(spec))
        return jobs_pb2.DrawSampleResponse(jpeg=await self._sampler.draw(spec))

    async def LookAtFootage(
        self, request: jobs_pb2.LookAtFootageRequest, context: _Context
    ) -> jobs_pb2.LookAtFootageResponse:
        """Looks for faces in the footage of a film."""
        spec = await asyncio.to_thread(complete_spec, request.spec, self._store, self._platform)
        report, notes = await self._sampler.look(spec)
        return jobs_pb2.LookAtFootageResponse(report=report, notes=notes)

    async def ForecastJob(
        self, request: jobs_pb2.ForecastJobRequest, context: _Context
    ) -> jobs_pb2.ForecastJobResponse:
        """Counts what the film that the spec would become still needs."""
        spec = await asyncio.to_thread(complete_spec, request.spec, self._store, self._platform)
        takes_of = request.takes_of if request.HasField("takes_of") else None
        return await self._forecaster.forecast(spec, takes_of)

    async def SpeakSegment(
        self, request: jobs_pb2.SpeakSegmentRequest, context: _Context
    ) -> jobs_pb2.SpeakSegmentResponse:
        """Speaks one sentence of the film that the spec would become."""
        await self._collector.require_room()
        spec = await asyncio.to_thread(complete_spec, request.spec, self._store, self._platform)
        return jobs_pb2.SpeakSegmentResponse(voice=media_ref(await self._forecaster.speak(spec, request.segment)))

    # Shielded, so that a caller who leaves cannot separate the change of a record from what must follow it.

    async def _submit(self, job: jobs_pb2.Job, key: str, owner: Owner) -> jobs_pb2.SubmitJobResponse:
        job, existed = await self._records.create(job, key, self._max_queued_jobs, owner)
        if job.state not in ENDED_STATES:
            self._engine.enqueue(job.id, await self._records.attempt(job.id))
        return jobs_pb2.SubmitJobResponse(job=job, existed=existed)

    async def _cancel(self, job_id: str) -> jobs_pb2.CancelJobResponse:
        job, attempt = await self._records.change(job_id, _cancel)
        if job.state == jobs_pb2.JOB_STATE_CANCELLED:
            await self._engine.cancel(job.id, attempt)
            self._maker.interrupt(job.id, attempt)
        return jobs_pb2.CancelJobResponse(job=job)

    async def _retry(self, job_id: str) -> jobs_pb2.RetryJobResponse:
        job, attempt = await self._records.change(job_id, _requeue, new_attempt=True)
        self._engine.enqueue(job.id, attempt)
        return jobs_pb2.RetryJobResponse(job=job)


async def _wait(change: asyncio.Event, timeout_s: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):  # Python 3.11's wait_for loses a cancel that comes with the event
            await change.wait()


def _new_id() -> str:
    return f"job-{uuid.uuid4().hex[:20]}"


def _position_of(token: str) -> int | None:
    if token and not (token.isdecimal() and len(token) <= _LONGEST_TOKEN):
        raise InvalidInputError(f"{token[:40]!r} is no page token.", "Give next_page_token as it came.", "page_token")
    return int(token) if token else None


def _cancel(job: jobs_pb2.Job) -> None:
    if job.state in ENDED_STATES:
        return
    job.state = jobs_pb2.JOB_STATE_CANCELLED
    job.end_time.CopyFrom(timestamp_now())
    job.progress.eta_s, job.progress.message = -1, "Cancelled. Finished sentences are kept for a retry."


def _requeue(job: jobs_pb2.Job) -> None:
    if job.state not in _RETRYABLE_STATES:
        state = jobs_pb2.JobState.Name(job.state).removeprefix("JOB_STATE_").lower()
        raise FailedPreconditionError(f"The job is {state}.", "Only failed and cancelled jobs are retried.", "id")
    job.state = jobs_pb2.JOB_STATE_QUEUED
    for field in ("error", "start_time", "end_time"):
        job.ClearField(field)
    _wait_in_queue(job)


def _wait_in_queue(job: jobs_pb2.Job) -> None:
    job.progress.stage, job.progress.eta_s, job.progress.message = "queued", -1, "Waiting for its turn."
    job.progress.stage_percent = 0.0
