"""Durable execution behind a narrow interface: DBOS on SQLite, or on Postgres when several orchestrators share work.

Facts that shape it, measured with DBOS 3.4.0:
- The application version must be pinned, or an upgraded orchestrator never recovers its jobs.
- Async steps of one workflow run side by side, and after kill -9 only unfinished ones run again, but they start in no
  fixed order.
- Launched inside a running event loop, workflows and steps run on that loop.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections.abc import Awaitable, Callable, Collection, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from dbos import DBOS, DBOSConfig, SetEnqueueOptions, SetWorkflowID, WorkflowStatus
from dbos._queue import queue_worker_thread

from orchestrator.jobs.database import AWAY_ERRORS, away, reached, teach_sqlite_milliseconds
from orchestrator.jobs.doorbell import ALONE_S, AMONG_OTHERS_S, Doorbell
from orchestrator.jobs.quiet import start_no_idle_threads
from orchestrator.jobs.serializer import JsonSerializer, refuse_pickles
from services.base.errors import UnavailableError

WORKFLOW_PROTOCOL = "films-v2"
"""Version of the steps and their order, not of the code: raise it when the steps change, never for a new build."""

_LOG = logging.getLogger(__name__)
_QUEUE, _WORKFLOW = "films", "make_film"
_PAUSE_S = 1.0
_THREADS, _THREADS_A_STEP = 12, 4
"""Also of `asyncio.to_thread` on the loop that it is started on. Without a bound a long film gets dozens, since all its
sentences ask the database at once whether they are made already."""
_T = TypeVar("_T")
MakeFilm = Callable[[str, int], Awaitable[None]]
"""Gets the id of a job and the number of the attempt."""
TurnOf = Callable[[str], Awaitable[int]]
"""Gets the id of a job."""


@dataclass(frozen=True)
class Claim:
    """An attempt at a job that an orchestrator has begun, by its name in the durable engine."""

    job_id: str
    attempt: int
    executor_id: str


class DurableEngine:
    """Runs one film-making workflow per job to its end, even if this process crashes on the way. One per process."""

    def __init__(self, database_url: str, executor_id: str, max_running: int, side_by_side: int = 2) -> None:
        """`side_by_side`: steps of a workflow that have work to do at the same time."""
        config = DBOSConfig(
            name="vigent",
            system_database_url=reached(database_url),
            application_version=WORKFLOW_PROTOCOL,
            executor_id=executor_id,
            console_log_level="ERROR",
            serializer=JsonSerializer(),
            max_executor_threads=_THREADS + _THREADS_A_STEP * max_running * side_by_side,
        )
        teach_sqlite_milliseconds()
        refuse_pickles()
        start_no_idle_threads()
        self._dbos = DBOS(config=config)
        DBOS.listen_queues([])  # the only queue has a thread of its own, which wakes at a ring
        self._doorbell, self._listener = Doorbell(), threading.Thread()
        self._max_running = max_running
        self._look_every_s = ALONE_S if database_url.startswith("sqlite") else AMONG_OTHERS_S
        self._make: MakeFilm | None = None
        self._turn_of: TurnOf | None = None
        self._queuing: set[asyncio.Task[None]] = set()
        self._making = set[str]()
        self._workflow = self._make_workflow()

    async def start(self, make: MakeFilm, turn_of: TurnOf) -> None:
        """Recovers what a crash interrupted, then takes new jobs; `make` runs on the running event loop.

        Of those that wait, the one with the lowest turn goes first, 1 or more.
        """
        self._make, self._turn_of = make, turn_of
        DBOS.launch()
        await DBOS.register_queue_async(
            _QUEUE,
            worker_concurrency=self._max_running,
            polling_interval_sec=self._look_every_s,
            on_conflict="always_update",
        )
        queue = await DBOS.retrieve_queue_async(_QUEUE)
        arguments = self._doorbell, self._dbos, queue
        self._listener = threading.Thread(target=queue_worker_thread, args=arguments, daemon=True)
        self._listener.start()
        self._doorbell.ring()

    def enqueue(self, job_id: str, attempt: int) -> None:
        """Queues one attempt at a job, as soon as the database takes it. Queuing it again changes nothing.

        The record of the job says that it waits, so the next start queues it if this process ends before.
        """
        # In a context of its own: whoever asks may be inside a workflow, or have a deadline.
        task = asyncio.create_task(self._enqueue(job_id, attempt), context=contextvars.Context())
        self._queuing.add(task)
        task.add_done_callback(self._queuing.discard)

    async def all_queued(self) -> None:
        """Returns once the database has taken all that was to be queued."""
        await asyncio.gather(*self._queuing)

    async def _enqueue(self, job_id: str, attempt: int) -> None:
        assert self._turn_of is not None
        while True:
            try:
                turn = await self._turn_of(job_id)
                with SetWorkflowID(workflow_id(job_id, attempt)), SetEnqueueOptions(priority=turn):
                    await DBOS.enqueue_workflow_async(_QUEUE, self._workflow, job_id)
            except (*AWAY_ERRORS, UnavailableError):
                _LOG.warning("job %s waits for the database", job_id)
            else:
                return self._doorbell.ring()
            await asyncio.sleep(_PAUSE_S)

    async def claims(self) -> list[Claim]:
        """Attempts that some orchestrator has begun and not ended, this one or another. Raises UnavailableError."""
        return [
            Claim(_job_of(found.workflow_id), _attempt_of(found.workflow_id), found.executor_id or "")
            for found in await _listed(status="PENDING")
        ]

    def is_making(self, claim: Claim) -> bool:
        """Whether this process works on it."""
        return workflow_id(claim.job_id, claim.attempt) in self._making

    async def older(self, running: Collection[str] = ()) -> list[tuple[str, int]]:
        """Jobs and attempts that were begun or queued in another protocol, and so are never recovered.

        `running`: protocols that others still work on. Raises UnavailableError.
        """
        known = {None, WORKFLOW_PROTOCOL, *running}
        unfinished = await _listed(status=["PENDING", "ENQUEUED"])
        older = [found.workflow_id for found in unfinished if found.app_version not in known]
        return [(_job_of(workflow), _attempt_of(workflow)) for workflow in older]

    async def cancel(self, job_id: str, attempt: int) -> None:
        """Stops an attempt; it will not be recovered."""
        await DBOS.cancel_workflow_async(workflow_id(job_id, attempt))

    async def forget(self, job_id: str) -> None:
        """Removes all attempts at a job and their steps, which hold its script. Raises UnavailableError."""
        found = [each.workflow_id for each in await _listed(workflow_id_prefix=f"{job_id}-")]
        try:
            await DBOS.delete_workflows_async([each for each in found if _job_of(each) == job_id])
        except AWAY_ERRORS as error:
            raise away("The database of the jobs did not delete what it had of a job.") from error

    async def jobs(self) -> set[str]:
        """Ids of the jobs of which something is kept here. Raises UnavailableError."""
        return {_job_of(found.workflow_id) for found in await _listed()}

    def stop(self) -> None:
        """Closes the database; the next start recovers unfinished attempts."""
        self._doorbell.set()
        if self._listener.is_alive():
            self._listener.join(_PAUSE_S)
        DBOS.destroy()

    def _make_workflow(self) -> Callable[[str], Coroutine[Any, Any, None]]:
        @DBOS.workflow(name=_WORKFLOW)
        async def make_film(job_id: str) -> None:
            assert self._make is not None
            workflow = DBOS.workflow_id
            assert workflow is not None
            self._making.add(workflow)
            try:
                with self._doorbell:
                    await self._make(job_id, _attempt_of(workflow))
            finally:
                self._making.discard(workflow)

        return make_film


async def step(name: str, work: Callable[[], Awaitable[_T]]) -> _T:
    """Runs `work` as a durable step: one that had finished before a crash returns its recorded (JSON-able) result.

    It is cancelled about a second after its attempt was, by whichever orchestrator.

    Raises UnavailableError (DATABASE_AWAY) when the result cannot be recorded, and what `work` raises.
    """

    async def run() -> _T:  # DBOS would take a lambda that returns a coroutine for a plain function
        return await work()

    try:
        return await DBOS.run_step_async({"name": name, "preemptible": True}, run)
    except AWAY_ERRORS as error:
        raise away("The database of the jobs did not take a step.") from error


async def _listed(status: str | list[str] | None = None, workflow_id_prefix: str | None = None) -> list[WorkflowStatus]:
    try:
        return await DBOS.list_workflows_async(
            name=_WORKFLOW,
            status=status,
            workflow_id_prefix=workflow_id_prefix,
            load_input=False,
            load_output=False,
        )
    except AWAY_ERRORS as error:
        raise away("The database of the jobs does not answer.") from error


def workflow_id(job_id: str, attempt: int) -> str:
    """Name of one attempt in the durable engine."""
    return f"{job_id}-{attempt}"


def _job_of(workflow: str) -> str:
    return workflow.rpartition("-")[0]


def _attempt_of(workflow: str) -> int:
    return int(workflow.rpartition("-")[2])
