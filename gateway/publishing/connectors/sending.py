"""Sends films to platforms when it is time, through failures and restarts, until the platform has decided."""

from __future__ import annotations

import asyncio
import fcntl
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx

from gateway.films.view import JobFailure
from gateway.publishing.connectors.accounts import Accounts, away
from gateway.publishing.connectors.delivery import ENDED, Delivery
from gateway.publishing.connectors.provider import REFUSED, REJECTED, Plan, Progress, Provider
from gateway.publishing.connectors.records import ConnectorRecords
from services.base.errors import CancelledError, FailedPreconditionError, UnauthenticatedError, VigentError
from services.base.pauses import doubled_s

_LONGEST_PAUSE_S = 1800.0
_MOST_FAILURES = 20  # in a row: with these pauses, about six hours
_LONGEST_DECISION = timedelta(days=1)
_LOCK_AGAIN_S = 5.0
_LOG = logging.getLogger(__name__)


class Sending:
    """Works off deliveries, `at_once` at a time. `plan` makes one ready, `posted` is told of each that appeared."""

    def __init__(
        self,
        records: ConnectorRecords,
        accounts: Accounts,
        http: httpx.AsyncClient,
        plan: Callable[[Delivery, Provider], Awaitable[Plan]],
        posted: Callable[[Delivery], Awaitable[None]],
        *,
        at_once: int,
        pause_s: float,
    ) -> None:
        self._records, self._accounts, self._http = records, accounts, http
        self._plan, self._posted = plan, posted
        self._at_once, self._pause_s = at_once, pause_s
        self._running: dict[str, asyncio.Task[None]] = {}
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Something new may be due."""
        self._wake.set()

    async def run(self, lock: Path) -> None:
        """Until it is cancelled. Of several processes with the same records one works, another when it has ended."""
        async with _sole(lock):
            try:
                while True:
                    await self._round()
            finally:
                for task in self._running.values():
                    task.cancel()
                await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def stop(self, delivery: Delivery) -> None:
        """Stops sending what was cancelled, and tells the platform if it can be reached."""
        if task := self._running.get(delivery.id):
            task.cancel()
        with suppress(httpx.HTTPError, VigentError):
            await self._accounts.provider(delivery.asked.platform).cancel(self._http, delivery.progress)

    async def _round(self) -> None:
        """Starts what is due, then waits for what comes next. Whatever happens to a disk, there is another."""
        self._wake.clear()
        try:
            await self._start_due()
            rest_s = await self._rest_s()
        except Exception:
            _LOG.exception("What is due cannot be read")
            rest_s = _LOCK_AGAIN_S
        with suppress(TimeoutError):
            # Python 3.11's wait_for loses a cancel that comes with the event, and the gateway would never end.
            async with asyncio.timeout(rest_s):
                await self._wake.wait()

    async def _start_due(self) -> None:
        due = await asyncio.to_thread(self._records.due, self._at_once + len(self._running))
        for delivery in due:
            if delivery.id not in self._running and len(self._running) < self._at_once:
                task = asyncio.create_task(self._go_on(delivery))
                self._running[delivery.id] = task
                task.add_done_callback(partial(self._ended, delivery.id))

    def _ended(self, delivery_id: str, _task: asyncio.Task[None]) -> None:
        del self._running[delivery_id]
        self._wake.set()

    async def _rest_s(self) -> float | None:
        """How long nothing new can begin; what runs wakes us when it has ended."""
        if len(self._running) >= self._at_once:
            return None
        return await asyncio.to_thread(self._records.next_due_s, list(self._running))

    async def _go_on(self, delivery: Delivery) -> None:
        try:
            await self._step(self._accounts.provider(delivery.asked.platform), delivery)
        except CancelledError:
            return
        except VigentError as error:
            self._note(delivery, error)
        except httpx.HTTPError as error:
            self._note(delivery, away(delivery.asked.platform, error))
        except Exception:
            _LOG.exception("Delivery %s failed", delivery.id)
            problem, remedy = "An internal error.", "The gateway's log has the reason."
            self._note(delivery, VigentError(problem, remedy))
        try:
            if await asyncio.to_thread(self._records.update, delivery) and delivery.state == "done" and delivery.url:
                await self._posted(delivery)
        except Exception:  # it is as it was before, and goes on from there
            _LOG.exception("How far delivery %s is cannot be kept", delivery.id)
            await asyncio.sleep(_LOCK_AGAIN_S)

    async def _step(self, provider: Provider, delivery: Delivery) -> None:
        owner, platform = delivery.owner, provider.platform
        access = await self._accounts.access(owner, platform)
        try:
            await self._sent_or_decided(provider, delivery, access)
        except UnauthenticatedError:  # it has ended early, or was taken back; a new one tells which
            access = await self._accounts.access(owner, platform, refused=access)
            await self._sent_or_decided(provider, delivery, access)

    async def _sent_or_decided(self, provider: Provider, delivery: Delivery, access: str) -> None:
        if delivery.state == "processing":
            await self._decided(provider, delivery, access)
            return
        plan = await self._plan(delivery, provider)
        delivery.state, delivery.size_bytes = "sending", plan.size_bytes
        await provider.upload(
            self._http, access, plan, delivery.progress, lambda progress: self._keep(delivery, progress)
        )
        delivery.state, delivery.sent_time = "processing", datetime.now(UTC)
        self._later(delivery, self._pause_s)

    async def _keep(self, delivery: Delivery, progress: Progress) -> None:
        delivery.progress, delivery.failures, delivery.error = progress, 0, None
        if not await asyncio.to_thread(self._records.update, delivery):
            raise CancelledError("It was cancelled.")

    async def _decided(self, provider: Provider, delivery: Delivery, access: str) -> None:
        outcome = await provider.status(self._http, access, delivery.progress)
        delivery.url = outcome.url or delivery.url
        since = datetime.now(UTC) - (delivery.sent_time or delivery.create_time)
        if outcome.stage == "done":
            delivery.state, delivery.error = "done", None
        elif since > _LONGEST_DECISION:
            problem = "The platform has not decided within a day."
            raise FailedPreconditionError(problem, "Look at it on the platform.", reason="UNDECIDED")
        else:
            self._later(delivery, min(_LONGEST_PAUSE_S, max(self._pause_s, since.total_seconds())))

    def _note(self, delivery: Delivery, error: VigentError) -> None:
        """Tries again later what may work then; all else has failed."""
        told = JobFailure(reason=error.reason, problem=error.problem, field=error.field, remedy=error.remedy)
        delivery.error, delivery.failures = told, delivery.failures + 1
        if error.retryable and delivery.failures <= _MOST_FAILURES:
            delivery.state = "processing" if delivery.state == "processing" else "waiting"
            pause_s = doubled_s(self._pause_s, delivery.failures - 1, _LONGEST_PAUSE_S)
            self._later(delivery, max(pause_s, error.retry_after_s or 0.0))
        else:
            if error.reason == REJECTED or (error.reason == REFUSED and delivery.state == "sending"):
                delivery.progress, delivery.sent_time = Progress(), None  # another try sends it anew
            delivery.state = "failed"

    def _later(self, delivery: Delivery, pause_s: float) -> None:
        delivery.due = datetime.now(UTC) + timedelta(seconds=pause_s)


def cancelled(delivery: Delivery) -> Delivery:
    """The delivery, cancelled. Raises FailedPreconditionError once the platform has all of it."""
    if delivery.state == "processing" or (delivery.state in ENDED and delivery.state != "cancelled"):
        remedy = "Delete it on the platform."
        raise FailedPreconditionError("It is no longer on its way.", remedy, reason="NOT_ON_ITS_WAY")
    return delivery.model_copy(update={"state": "cancelled"})


def again(delivery: Delivery) -> Delivery:
    """The delivery, to go on where it stopped, when it is time. Raises FailedPreconditionError unless it failed."""
    if delivery.state not in {"failed", "cancelled"}:
        raise FailedPreconditionError("It has not failed.", "Wait for it.", reason="NOT_FAILED")
    due = max(filter(None, (datetime.now(UTC), delivery.not_before)))
    state = "processing" if delivery.sent_time else "waiting"  # what is there whole is never sent again
    fresh = {"state": state, "failures": 0, "error": None, "due": due}
    return delivery.model_copy(update=fresh)


@asynccontextmanager
async def _sole(lock: Path) -> AsyncIterator[None]:
    """Waits until no other process is inside; the kernel lets go of what a dead one held."""
    with lock.open("w", encoding="utf-8") as file:
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            await asyncio.sleep(_LOCK_AGAIN_S)
        yield
