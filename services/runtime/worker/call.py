"""One call on the worker, as a servicer holds it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from services.base.errors import InternalError, VigentError
from services.base.tracing.spans import Span
from services.enginekit.progress import ProgressSnapshot
from services.runtime.worker.admission import Slot
from services.runtime.worker.messages import Cancel, Credit, Ended, EndOfInputs, Event, Input, Open
from services.runtime.worker.process import WorkerProcess
from vigent.media.v1 import media_pb2

_LOG = logging.getLogger(__name__)

WINDOW = 8
"""Credit: how many items may be under way in either direction before the receiver has taken one."""


@dataclass(frozen=True)
class Admitted:
    """What admission gives a call: its slot, the key of its request, and the message for its caller."""

    slot: Slot
    key: str
    accepted: media_pb2.Accepted


class Call:
    """A call that has a slot. Servicers add the seconds of media they made to `media_s`, for the real-time factor."""

    def __init__(
        self, admitted: Admitted, opened: Open, process: WorkerProcess, progress_interval_s: float, span: Span
    ) -> None:
        """`span` is that of the worker's work. It ends here: one that is killed could not tell its own."""
        self.id, self.method, self.span = opened.call, opened.method, span
        self.slot, self.key, self.accepted = admitted.slot, admitted.key, admitted.accepted
        self.media_s = 0.0
        self.first_event_s: float | None = None
        self.fault: VigentError | None = None
        self.hung = False
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._process = process
        self._progress_interval_s = progress_interval_s
        self._arrived: asyncio.Queue[Event | Ended] = asyncio.Queue()  # bounded by the credit given
        self._credit = asyncio.Semaphore(WINDOW)
        self._taken = 0
        self._last: ProgressSnapshot | None = None
        process.open(opened)

    def snapshot(self) -> ProgressSnapshot:
        """How far the engine is, or how far it was when the call ended."""
        return self._last or self._process.snapshot(self.slot.number)

    async def events(self) -> AsyncIterator[object]:
        """What the engine yields, in order, with a ProgressSnapshot in between at least every `progress_interval_s`.

        Raises the error with which the engine ended, or UnavailableError when the worker died or hung.
        """
        next_progress_s = time.monotonic() + self._progress_interval_s
        while True:
            message = await self._next(next_progress_s - time.monotonic())
            if message is None or time.monotonic() >= next_progress_s:
                yield self.snapshot()
                next_progress_s = time.monotonic() + self._progress_interval_s
            if isinstance(message, Ended):
                if message.error is not None:
                    raise message.error
                return
            if message is not None:
                self._acknowledge()
                yield message.item

    def deliver(self, message: Event | Ended | Credit) -> None:
        """Accepts a message from the worker; never waits."""
        match message:
            case Credit():
                for _ in range(message.count):
                    self._credit.release()
            case Event():
                self.first_event_s = self.first_event_s or time.monotonic()
                self._arrived.put_nowait(message)
            case Ended():
                self._last = self.snapshot()  # from here on the record belongs to the next call
                self._arrived.put_nowait(message)
                self.ended.set_result(None)
                units = {f"units.{phase}": count for phase, count in message.units.items()}
                self.span.end(message.error, message.at_ns, **units)

    def fail(self, error: VigentError) -> None:
        """Reports `error` to the caller at once and sends the cancel; the slot is free once the engine has stopped."""
        if self.fault is None and not self.ended.done():
            self.fault = error
            self._arrived.put_nowait(Ended(self.id, error))
            self.cancel()

    def cancel(self) -> None:
        """Tells the engine that nobody is waiting for its results any more."""
        if not self.ended.done():
            self._process.send(Cancel(self.id))

    async def feed(self, inputs: AsyncIterator[object]) -> None:
        """Forwards the caller's stream as fast as the engine takes it; an error in the stream ends the call."""
        try:
            async for item in inputs:
                await self._credit.acquire()
                self._process.send(Input(self.id, item))
            self._process.send(EndOfInputs(self.id))
        except VigentError as error:
            self.fail(error)
        except Exception:
            _LOG.exception("the caller's stream cannot be read")
            self.fail(InternalError("The server failed.", "See its log."))

    async def _next(self, timeout_s: float) -> Event | Ended | None:
        with contextlib.suppress(asyncio.QueueEmpty):
            return self._arrived.get_nowait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(timeout_s, 0)):
                return await self._arrived.get()
        return None

    def _acknowledge(self) -> None:
        """Returns credit half a window at a time, so that one message serves several events."""
        self._taken += 1
        if self._taken == WINDOW // 2:
            self._process.send(Credit(self.id, self._taken))
            self._taken = 0


def progress_message(snapshot: ProgressSnapshot) -> media_pb2.Progress:
    """What a caller learns of the worker's progress record."""
    return media_pb2.Progress(
        phase=snapshot.phase,
        units_done=snapshot.units_done,
        units_total=snapshot.units_total,
        age_ms=int(snapshot.age_s(time.monotonic_ns()) * 1000),
        stall_budget_ms=snapshot.budget_ns // 1_000_000,
    )
