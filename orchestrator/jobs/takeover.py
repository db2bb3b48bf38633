"""No job waits for an orchestrator that is gone for good: a peer begins a new attempt at what it has begun.

The number of the attempt is the fence: whatever changes a job is one transaction that holds for one attempt only
(`records.py`), so that an orchestrator that was frozen may go on, and can publish nothing. The older attempt is
cancelled in the durable engine, which tells it so within a second. The engine's own recovery would go on with the same
attempt, and knows nothing of who is alive.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from typing import NoReturn

import sqlalchemy as sa

from orchestrator.jobs.durable import Claim, DurableEngine
from orchestrator.jobs.leases import Leases, name_of
from orchestrator.jobs.metrics import JobMetrics
from orchestrator.jobs.records import Guard, JobRecords
from orchestrator.making.film import FilmMaker
from services.base.errors import UnavailableError
from vigent.jobs.v1 import jobs_pb2

_LOG = logging.getLogger(__name__)


class _StillThere(Exception):  # noqa: N818 - good news
    """Whoever has begun the attempt is alive, or this process cannot tell."""


class Takeover:
    """Takes over the jobs of orchestrators that are gone."""

    def __init__(
        self, leases: Leases, engine: DurableEngine, records: JobRecords, maker: FilmMaker, metrics: JobMetrics
    ) -> None:
        self._leases, self._engine, self._records = leases, engine, records
        self._maker, self._metrics = maker, metrics
        self._left: set[Claim] = set()

    async def begin(self) -> None:
        """Goes on with what earlier processes of this name have left, without waiting for anything to run out.

        Raises UnavailableError.
        """
        await self._leases.forget_earlier_lives()
        for claim in await self._engine.claims():
            if name_of(claim.executor_id) == self._leases.name and claim.executor_id != self._leases.executor_id:
                await self._take(claim, f"taken over from an earlier start of {self._leases.name}.")
        peers = await self._leases.look()
        await queue_waiting(self._engine, self._records, self._maker, peers.versions)

    async def keep(self) -> NoReturn:
        """Does its work until it is cancelled; what goes wrong is logged and tried again."""
        async with asyncio.TaskGroup() as group:
            group.create_task(_for_ever(self._leases.renew, self._leases.renewal_s))
            group.create_task(_for_ever(self._take_over, self._leases.renewal_s))
        raise AssertionError("unreachable: none of them ends")

    async def _take_over(self) -> None:
        async with asyncio.timeout(self._leases.lease_s):  # the durable engine may pause for longer after an outage
            peers = await self._leases.look()
            claims = await self._engine.claims()
            for claim in claims:
                if peers.is_gone(claim.executor_id):
                    why = f"taken over from {peers.obituary(claim.executor_id)}."
                    await self._take(claim, why, self._guard(claim))
            await self._take_left(claims)
            if gone := peers.gone():
                await queue_waiting(self._engine, self._records, self._maker, peers.versions)
                await self._engine.all_queued()
                await self._leases.forget(gone - {claim.executor_id for claim in await self._engine.claims()})

    async def _take_left(self, claims: Collection[Claim]) -> None:
        """What this process has claimed and does not make: the database broke off between the two."""
        mine = {claim for claim in claims if claim.executor_id == self._leases.executor_id}
        left = {claim for claim in mine if not self._engine.is_making(claim)}
        for claim in left & self._left:  # twice in a row: a claim is made a moment later
            await self._take(claim, "the database was lost when it began.")
        self._left = left

    async def _take(self, claim: Claim, why: str, guard: Guard | None = None) -> None:
        with suppress(_StillThere):
            if await self._maker.begin_again(self._records.attempt_at(claim.job_id, claim.attempt), why, guard):
                self._metrics.taken_over()
            await self._engine.cancel(claim.job_id, claim.attempt)

    def _guard(self, claim: Claim) -> Guard:
        def require_gone(db: sa.Connection) -> None:
            if not self._leases.peers(db).is_gone(claim.executor_id):
                raise _StillThere

        return require_gone


async def queue_waiting(
    engine: DurableEngine, records: JobRecords, maker: FilmMaker, versions: Collection[str] = ()
) -> None:
    """Queues what is to be done and in no queue that is worked on; `versions`: those that others still run.

    So a crash between record and queue loses nothing. Raises UnavailableError.
    """
    for job_id, attempt in await engine.older(versions):
        await maker.begin_again(records.attempt_at(job_id, attempt), "an older version began it.")
        await engine.cancel(job_id, attempt)  # after that, else a crash between the two would lose it
    for job in await records.list_all(jobs_pb2.JOB_STATE_QUEUED):
        engine.enqueue(job.id, await records.attempt(job.id))


async def _for_ever(work: Callable[[], Awaitable[None]], interval_s: float) -> NoReturn:
    while True:
        await asyncio.sleep(interval_s)
        try:
            await work()
        except UnavailableError:
            continue  # the database has said so
        except TimeoutError:
            _LOG.warning("other orchestrators are not looked after: the database takes too long")
        except Exception:
            _LOG.exception("other orchestrators are not looked after")
