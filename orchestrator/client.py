"""How others talk to the orchestrator: a thin typed client of `vigent.jobs.v1.JobService`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from services.base.client import open_channel, remote_errors
from services.base.errors import DeadlineExceededError, UnavailableError
from services.base.tracing.spans import present
from vigent.jobs.v1 import jobs_pb2
from vigent.jobs.v1.jobs_pb2_grpc import JobServiceStub

JOB_SERVICE = "vigent.jobs.v1.JobService"
ENDED_STATES = frozenset({jobs_pb2.JOB_STATE_DONE, jobs_pb2.JOB_STATE_FAILED, jobs_pb2.JOB_STATE_CANCELLED})

_WATCH_STREAM_S = 600.0  # then the watch continues in a new stream, perhaps to another replica
_WATCH_PAUSE_S = 0.5
_CLEAN_S = 900.0
_SAMPLE_S = 120.0  # footage is conformed and looked at first


@contextmanager
def calling(server: str, target: str) -> Iterator[None]:
    """Around awaited calls: raises remote errors as VigentErrors, naming the address of a server that is silent."""
    try:
        with remote_errors():
            yield
    except (UnavailableError, DeadlineExceededError) as error:
        if error.remedy:  # the server itself said so
            raise
        remedy = "Start the mesh with `vigent up`; `vigent doctor` shows what is missing."
        address = target.removeprefix("ipv4:")
        raise type(error)(f"The {server} at {address} does not answer.", remedy, reason="UNREACHABLE") from error


class JobClient:
    """The jobs of one orchestrator, or of several behind `target` (see `open_channel`). An async context manager.

    Every method raises the VigentError that the orchestrator reported, or with reason UNREACHABLE an UnavailableError
    when it cannot be reached and a DeadlineExceededError when it does not answer within `timeout_s`.
    """

    def __init__(self, target: str, timeout_s: float = 10.0, reconnect_s: float = 60.0) -> None:
        """`reconnect_s`: how long `watch` waits for an orchestrator that went away to come back."""
        self._target = target
        self._channel = open_channel(target, JOB_SERVICE)
        self._stub = JobServiceStub(self._channel)
        self._timeout_s = timeout_s
        self._reconnect_s = reconnect_s

    async def submit(
        self,
        spec: jobs_pb2.JobSpec,
        idempotency_key: str = "",
        *,
        owner: str = "",
        weight: int = 1,
        most_unfinished: int = 0,
    ) -> jobs_pb2.SubmitJobResponse:
        """Submits a job; `existed` says whether an earlier submission with this key created it.

        `owner`, `weight`, `most_unfinished`: as of the contract; by default it is the job of the mesh's own user.
        """
        request = jobs_pb2.SubmitJobRequest(
            spec=spec,
            idempotency_key=idempotency_key,
            owner=owner,
            weight=weight,
            most_unfinished=most_unfinished,
        )
        with calling("orchestrator", self._target):
            return await self._stub.SubmitJob(request, timeout=self._timeout_s, metadata=present().metadata)

    async def get(self, job_id: str) -> jobs_pb2.Job:
        """The job as it is now. Raises NotFoundError."""
        with calling("orchestrator", self._target):
            response = await self._stub.GetJob(jobs_pb2.GetJobRequest(id=job_id), timeout=self._timeout_s)
        return response.job

    async def list_page(
        self,
        page_size: int = 20,
        page_token: str = "",
        state: jobs_pb2.JobState.ValueType = jobs_pb2.JOB_STATE_UNSPECIFIED,
    ) -> jobs_pb2.ListJobsResponse:
        """A page of jobs, newest first; only those in `state` unless it is unspecified."""
        request = jobs_pb2.ListJobsRequest(page_size=page_size, page_token=page_token, state=state)
        with calling("orchestrator", self._target):
            return await self._stub.ListJobs(request, timeout=self._timeout_s)

    async def list_all(
        self, state: jobs_pb2.JobState.ValueType = jobs_pb2.JOB_STATE_UNSPECIFIED
    ) -> AsyncIterator[jobs_pb2.Job]:
        """Every job, newest first, page by page."""
        token = ""
        while True:
            page = await self.list_page(100, token, state)
            for job in page.jobs:
                yield job
            if not (token := page.next_page_token):
                return

    async def watch(self, job_id: str, after_event_id: int = 0) -> AsyncGenerator[jobs_pb2.JobEvent, None]:
        """Events after `after_event_id`, each once and in order, until the job ends.

        Resumes where it was when the connection breaks or the orchestrator restarts.
        """
        last_id, lost_at_s = after_event_id, None
        while True:
            try:
                async for event in self._watch_stream(job_id, last_id):
                    last_id, lost_at_s = event.id, None
                    yield event
            except DeadlineExceededError:
                continue
            except UnavailableError:
                lost_at_s = lost_at_s or time.monotonic()
                if time.monotonic() - lost_at_s > self._reconnect_s:
                    raise
                await asyncio.sleep(_WATCH_PAUSE_S)
            else:
                return

    async def cancel(self, job_id: str) -> jobs_pb2.Job:
        """Cancels the job; one that has ended stays as it is."""
        with calling("orchestrator", self._target):
            response = await self._stub.CancelJob(jobs_pb2.CancelJobRequest(id=job_id), timeout=self._timeout_s)
        return response.job

    async def retry(self, job_id: str) -> jobs_pb2.Job:
        """Resumes a failed or cancelled job where it stopped. Raises FailedPreconditionError for other jobs."""
        with calling("orchestrator", self._target):
            response = await self._stub.RetryJob(jobs_pb2.RetryJobRequest(id=job_id), timeout=self._timeout_s)
        return response.job

    async def delete(self, job_id: str) -> None:
        """Forgets an ended job; its own files follow. Raises FailedPreconditionError for a job that has not ended."""
        with calling("orchestrator", self._target):
            await self._stub.DeleteJob(jobs_pb2.DeleteJobRequest(id=job_id), timeout=self._timeout_s)

    async def clean(
        self, grace_s: float | None = None, *, finished_pieces: bool = False, dry_run: bool = False
    ) -> list[jobs_pb2.Cleaned]:
        """Removes what no job and no library needs and was not used for `grace_s`; what it was, or would be."""
        request = jobs_pb2.CleanRequest(dry_run=dry_run, grace_s=grace_s, finished_pieces=finished_pieces)
        with calling("orchestrator", self._target):
            return list((await self._stub.Clean(request, timeout=_CLEAN_S)).cleaned)

    async def sample(self, spec: jobs_pb2.JobSpec, *, moving: bool = False) -> bytes:
        """A frame of the film that the spec would become as a JPEG, or its first sentence `moving` as an MP4.

        Lips stay still; new footage takes a while.
        """
        request = jobs_pb2.DrawSampleRequest(spec=spec, moving=moving)
        with calling("orchestrator", self._target):
            drawn = await self._stub.DrawSample(request, timeout=_SAMPLE_S, metadata=present().metadata)
        return drawn.mp4 if moving else drawn.jpeg

    async def look_at_footage(self, spec: jobs_pb2.JobSpec) -> jobs_pb2.LookAtFootageResponse:
        """Faces in the footage of the film that the spec would become, and what is to be said of it."""
        request = jobs_pb2.LookAtFootageRequest(spec=spec)
        with calling("orchestrator", self._target):
            return await self._stub.LookAtFootage(request, timeout=_SAMPLE_S)

    async def forecast(self, spec: jobs_pb2.JobSpec, takes_of: int | None = None) -> jobs_pb2.ForecastJobResponse:
        """The sentences of the film that the spec would become, which were spoken before, and takes of `takes_of`."""
        request = jobs_pb2.ForecastJobRequest(spec=spec, takes_of=takes_of)
        with calling("orchestrator", self._target):
            return await self._stub.ForecastJob(request, timeout=_SAMPLE_S, metadata=present().metadata)

    async def speak_segment(self, spec: jobs_pb2.JobSpec, segment: int) -> str:
        """Content hash of a WAV file with one sentence of the film that the spec would become."""
        request = jobs_pb2.SpeakSegmentRequest(spec=spec, segment=segment)
        with calling("orchestrator", self._target):
            return (await self._stub.SpeakSegment(request, timeout=_SAMPLE_S, metadata=present().metadata)).voice.sha256

    async def close(self) -> None:
        """Closes the channel, which ends all watches."""
        await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _watch_stream(self, job_id: str, after_event_id: int) -> AsyncGenerator[jobs_pb2.JobEvent, None]:
        request = jobs_pb2.WatchJobRequest(id=job_id, after_event_id=after_event_id)
        call = self._stub.WatchJob(request, timeout=_WATCH_STREAM_S)
        try:
            with calling("orchestrator", self._target):
                async for response in call:
                    yield response.event
        finally:
            call.cancel()
