"""The server's side of the worker: admits calls, runs them on the child, and starts a new child when one dies.

The life of a call:

1. Admission (`admission.py`): `Worker.call` refuses a request that has killed workers (`restarts.py`), then waits for a
   slot; when too many wait already, the call is refused at once and told when to come back.
2. Message: a `Call` (`call.py`) marks the slot's progress record "start" and queues an `Open` (`messages.py`), which a
   thread writes to the pipe (`process.py`, `pipe.py`), so that the event loop never waits for the child.
3. Child (`child.py`): its main thread reads the `Open` and hands it to the slot's thread, which runs the engine's
   method. After each unit the engine updates the slot's progress record in shared memory; health, metrics, progress
   messages and the watchdog (`watchdog.py`) read it there.
4. Events with credits: what the engine yields comes back as `Event`, the caller's stream goes there as `Input`. Either
   way a sender spends one credit per item and receives more as `Credit` when items have been taken, so at most
   `WINDOW` items are under way and a slow caller slows the engine down.
5. End: the child sends `Ended` with the exact units of the call and its error, if any. The slot goes to the next call
   in line, and `Call.events` ends or raises.

The life of a cancel:

1. Whoever leaves `Worker.call` before the end sends `Cancel`. So does `Call.fail`, with which the watchdog or a faulty
   stream of inputs ends a call; its caller gets that error at once.
2. The child's main thread sets the call's flag and wakes its thread if that waits for input or credit. A computing
   engine meets CancelledError at its next `Progress.advance`.
3. The engine's generator is closed, `Ended` follows, and only then is the slot free.
4. An engine that finishes no more units cannot notice a cancel. The watchdog then ends the child, all its calls end
   with UnavailableError, and `Worker.run` starts the next child.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

from services.base.deadline import time_left_s
from services.base.errors import FailedPreconditionError, InvalidInputError, UnavailableError, VigentError
from services.base.settings import ServerSettings
from services.base.tracing import spans as tracing
from services.enginekit.progress import ProgressSnapshot
from services.enginekit.settings import EngineSettings
from services.runtime.worker.admission import Admission, Slot
from services.runtime.worker.call import Admitted, Call
from services.runtime.worker.messages import Boot, Ended, LoadFailed, Open, Ready, Report
from services.runtime.worker.process import WorkerProcess
from services.runtime.worker.restarts import Quarantine, Restarts, died_by_itself, oom_kills, request_key
from services.runtime.worker.units import Units
from vigent.media.v1 import media_pb2

if TYPE_CHECKING:
    from services.runtime.metrics import ServerMetrics  # which computes the worker's gauges

_LOG = logging.getLogger(__name__)
_RETRY_AFTER_S = 1.0
WRONG_RESULTS = "WRONG_RESULTS"
"""Reason of the UnavailableError while the engine is known to give them."""

_OWN_DEATHS = frozenset({"stall", "memory"})
"""Reasons for which we kill a worker: it brought that about itself."""


class State(Enum):
    """What a worker is doing, as metrics report it."""

    IDLE = "idle"
    PROGRESSING = "progressing"
    STALLED = "stalled"
    DRAINING = "draining"
    LOAD_FAILED = "load_failed"
    BROKEN = "broken"


@dataclass(frozen=True)
class ProgressAge:
    """Seconds since the last sign of progress, and how many of them are too many."""

    age_s: float
    budget_s: float


class Worker:
    """The engine of this server, in a child process that is replaced when it dies or hangs."""

    def __init__(self, boot: Boot, settings: ServerSettings, metrics: ServerMetrics) -> None:
        """`boot` is what every child starts with. Call `run` to start."""
        self.attributes: Mapping[str, Any] = {}
        self.stage_s: Mapping[str, float] = {}
        self.problem: FailedPreconditionError | None = None
        self.calls: dict[int, Call] = {}
        self.process: WorkerProcess | None = None
        self.admission = Admission(settings.slots, settings.queue_limit, metrics.refused)
        self.units = Units(settings.recovery.stall_ceiling_s)
        self.changed = asyncio.Event()
        self.available = asyncio.Event()
        self.called = asyncio.Event()  # set by each call, for whoever looks seldom while there is none
        self.draining = self.stalled = self.retiring = self.broken = False
        self.version = self.missing = self.doubt = ""
        self._boot, self._metrics = boot, metrics
        self._progress_interval_s, self._grace_s = settings.progress_interval_s, settings.recovery.kill_grace_s
        self._caller_budget_s = settings.caller_budget_s
        self._quarantine = Quarantine()
        recovery = settings.recovery
        self._restarts = Restarts(settings.restart_limit, recovery.reload_pause_s, recovery.restart_window_s)
        self._ids, self._epochs = itertools.count(1), itertools.count(1)
        self._wrong_setting: InvalidInputError | None = None
        self._closing = False
        self._server = f"{socket.gethostname()}:{os.getpid()}"

    @property
    def ready(self) -> bool:
        """Whether a new call would be taken on."""
        return self.available.is_set() and not (self.draining or self.stalled or self.broken or self.doubt)

    @property
    def idle(self) -> bool:
        """Whether nobody has anything to do for it, and it takes calls."""
        return self.available.is_set() and not (self.draining or self.stalled or self.calls)

    @property
    def live(self) -> bool:
        """Whether this process is worth keeping: not when two workers died without one finished unit, or too many did.

        It is while the engine cannot be loaded: a new process would find the same files and packages, and this one
        keeps trying.
        """
        return not (self._restarts.fruitless or self.broken)

    @property
    def state(self) -> State:
        """What the worker is doing."""
        if self.broken:
            return State.BROKEN
        if self.problem is not None:
            return State.LOAD_FAILED
        if self.stalled:
            return State.STALLED
        if self.draining:
            return State.DRAINING
        return State.PROGRESSING if self.calls or not self.available.is_set() else State.IDLE

    @property
    def engine(self) -> str:
        """Name of the engine that works here, or is to."""
        return self._boot.choice.first.engine

    @property
    def engine_settings(self) -> EngineSettings:
        """What the engine is made with."""
        return self._boot.choice.first.settings

    @property
    def why(self) -> str:
        """Why it is this engine."""
        return self._boot.choice.first.why

    async def run(self) -> None:
        """Keeps a child running until `close`, and tries again to load an engine that cannot be loaded.

        Rests, not live, when too many have died.

        Raises InvalidInputError for wrong settings, unless the engine was loaded with them before: only a new process
        reads settings again.
        """
        while not self._closing:
            boot = replace(self._boot, epoch=next(self._epochs))
            killed_before = oom_kills()
            self.process = WorkerProcess(boot, self._received)
            exit_code = await self.process.wait()
            self._on_worker_exit(self.process, exit_code, oom_kills() - killed_before)
            if self._wrong_setting is not None:
                raise self._wrong_setting
            if rest_s := self._restarts.rest_s:
                await self._rest(rest_s)
            await asyncio.sleep(self._restarts.pause_s)

    @asynccontextmanager
    async def call(
        self, method: str, request: object, inputs: AsyncIterator[object] | None = None, *, canary: bool = False
    ) -> AsyncIterator[Call]:
        """Runs `method` of the engine once a slot is free. On leaving, a call that has not ended is cancelled.

        Raises ExhaustedError when the queue is full, UnavailableError while there is no worker, and
        FailedPreconditionError for a request that has killed workers, or when the engine cannot be loaded.
        A `canary` is let in while the engine gives wrong results, and is no call of the statistics.
        """
        started_s = time.monotonic()
        if not canary:
            self._require_trust()
        call = await self._admit(method, request, inputs is not None)
        if canary:
            self.units.leave_out(call.slot.number)
        feeder = asyncio.create_task(call.feed(inputs)) if inputs is not None else None
        try:
            yield call
        finally:
            if feeder is not None:
                feeder.cancel()
            call.cancel()
            if not canary:
                self._metrics.call_ended(call, started_s)

    def budget_s(self, snapshot: ProgressSnapshot) -> float:
        """Seconds without progress after which a call is ended; another budget holds while it waits for its caller."""
        return self._caller_budget_s if snapshot.waiting else self.units.budget_s(snapshot)

    def progress(self) -> ProgressAge:
        """Of the record that is closest to a hang.

        If any slot computes, it is one of those: a call that waits for its caller does not hang.
        """
        if self.process is None:
            return ProgressAge(0.0, 0.0)
        snapshots, now_ns = self.process.snapshots(), time.monotonic_ns()
        working = [snapshot for snapshot in snapshots if snapshot.working]
        active = working or [snapshot for snapshot in snapshots if snapshot.active]
        choose = max if active else min
        chosen = choose(active or snapshots, key=lambda snapshot: snapshot.age_s(now_ns))
        return ProgressAge(chosen.age_s(now_ns), self.budget_s(chosen))

    def require_engine(self) -> None:
        """Raises UnavailableError before the engine was loaded, FailedPreconditionError when it cannot be loaded."""
        if self.problem is not None or not self.stage_s:
            raise self._absence()

    def send_back(self) -> None:
        """Ends the calls in line at once: their turn would come when a hung child has been replaced, and loaded."""
        problem, remedy = "The engine hangs and is being replaced.", "Try again, perhaps on another replica."
        self.admission.send_back(lambda: UnavailableError(problem, remedy, "", "STALLED", retry_after_s=0.0))

    def distrust(self, why: str) -> None:
        """No calls from here on, and none in line: the engine gives wrong results."""
        self.doubt = why
        self.admission.send_back(self._wrong_results)
        self.changed.set()

    def believe(self) -> None:
        """Takes that back."""
        self.doubt = ""
        self.changed.set()

    def retire(self) -> None:
        """Gives the child no more calls, so that it can be replaced once idle; queued calls wait for the next child."""
        self.retiring = True
        self.available.clear()
        self.changed.set()

    async def close(self) -> None:
        """Ends the child."""
        self._closing = True
        if self.process is not None:
            await self.process.close(self._grace_s)

    def observe(self) -> None:
        """Reads the progress records and counts what was finished."""
        if self.process is None:
            return
        finished = [self.units.observe(slot, now) for slot, now in enumerate(self.process.snapshots())]
        if any(finished[1:]):
            self._restarts.unit_finished()
            self.changed.set()

    def _require_trust(self) -> None:
        if self.doubt:
            self._metrics.refused("unavailable")
            raise self._wrong_results()

    def _wrong_results(self) -> UnavailableError:
        return UnavailableError(self.doubt, "Try another replica.", "", WRONG_RESULTS, _RETRY_AFTER_S)

    async def _admit(self, method: str, request: object, streaming: bool) -> Call:
        key = request_key(method, request)
        self._quarantine.check(key)
        if self.problem is not None or self.broken or self.stalled or not self.available.is_set():
            self._metrics.refused("unavailable")
            raise self._absence()
        with tracing.span("slot"):
            slot = await self.admission.acquire(method, time_left_s())
        try:
            process = await self._present_process()
            work = tracing.begin(f"worker {method}", engine=self.engine, worker_pid=process.pid, epoch=process.epoch)
            opened = Open(next(self._ids), slot.number, method, request, streaming, work.traceparent)
            call = Call(Admitted(slot, key, self._accepted(slot)), opened, process, self._progress_interval_s, work)
        except BaseException:
            self.admission.release(slot)
            raise
        self.calls[call.id] = call
        self.called.set()
        return call

    async def _present_process(self) -> WorkerProcess:
        if self.problem is None:
            await self.available.wait()
        if self.problem is not None or self.broken or self.process is None:
            raise self._absence()
        return self.process

    def _absence(self) -> VigentError:
        """Why there is no engine; a new error each time, since a raised one holds on to its traceback."""
        if self.broken:
            return _unavailable("The engine keeps dying; it rests before it is started again.")
        return replace(self.problem) if self.problem else _unavailable("The engine is starting or being replaced.")

    def _accepted(self, slot: Slot) -> media_pb2.Accepted:
        return media_pb2.Accepted(server=self._server, engine=self.engine, queue_position=slot.queue_position)

    def _received(self, message: Report) -> None:
        match message:
            case Ready():
                self._loaded(message)
            case LoadFailed():
                self._load_failed(message.error)
            case Ended() if message.call in self.calls:
                self._ended(self.calls[message.call], message)
            case _ if message.call in self.calls:
                self.calls[message.call].deliver(message)

    def _loaded(self, message: Ready) -> None:
        if not self.stage_s:
            self._settle(message)
        self.version = message.version
        self.attributes, self.stage_s, self.problem = message.attributes, message.stage_s, None
        self._restarts.loaded()
        self.available.set()
        self.changed.set()

    def _settle(self, message: Ready) -> None:
        """The first load decides which candidate it is: no film is to be made by two."""
        candidates = self._boot.choice.candidates
        chosen = candidates[message.chosen]
        reasons = [
            f"{chosen.engine} stands in for {other.engine}: {error}"
            for other, error in zip(candidates, message.passed_over, strict=False)
        ]
        self.missing = " ".join(reasons)
        if self.missing:
            _LOG.warning("%s", self.missing)
        self._boot = replace(self._boot, choice=replace(self._boot.choice, candidates=(chosen,)))

    def _load_failed(self, error: VigentError) -> None:
        assert self.process is not None
        self.process.death_reason = "load"
        if isinstance(error, InvalidInputError) and not self.stage_s:
            self._wrong_setting = error
            return
        problem = FailedPreconditionError(error.problem, error.remedy, reason=error.reason)
        if problem != self.problem:
            _LOG.error("the engine %s cannot be loaded and is tried again: %s", self.engine, error)
        self.problem = problem
        self._restarts.load_failed()
        self.available.set()  # wakes the calls that wait for a worker, to learn that there is none
        self.available.clear()
        self.changed.set()

    def _ended(self, call: Call, message: Ended) -> None:
        self.observe()
        self.units.call_ended(call.slot.number, message.units)
        self._quarantine.finished(call.key)
        self._release(call, message)

    def _release(self, call: Call, message: Ended) -> None:
        del self.calls[call.id]
        call.deliver(message)
        self.admission.release(call.slot)

    def _on_worker_exit(self, process: WorkerProcess, exit_code: int, oom_kills: int) -> None:
        """Ends the calls of a dead child and notes what it died of; other calls stay in line for the next child."""
        self.observe()
        self.units.worker_died()
        self.available.clear()
        self.changed.set()
        calls = list(self.calls.values())
        if process.death_reason == "load":
            self._metrics.restarted("load")
        elif not self._closing:
            if exit_code == -signal.SIGKILL and oom_kills and process.death_reason == "crash":
                process.death_reason = "oom"
            _LOG.error("worker %d (epoch %d) ended with exit code %d", process.pid, process.epoch, exit_code)
            self._metrics.restarted(process.death_reason)
            if calls or not self.retiring:
                self._restarts.died()
        self.stalled = self.retiring = False
        ours = process.death_reason in _OWN_DEATHS
        if not process.was_stopped and (ours or died_by_itself(exit_code, oom_kills)):
            for call in [call for call in calls if call.hung] or calls:
                self._quarantine.worker_died(call.key)
        for call in calls:
            call.span.event("worker restarted", reason=process.death_reason, exit_code=exit_code)
            self._release(call, Ended(call.id, _unavailable("The worker died during the call.")))

    async def _rest(self, rest_s: float) -> None:
        _LOG.critical("the worker died too often; it is started again in %.0f s", rest_s)
        self.broken = True
        self.available.set()  # wakes the calls that wait for a worker, to learn that there is none
        self.available.clear()
        self.changed.set()
        await asyncio.sleep(rest_s)
        self.broken = False
        self.changed.set()


def _unavailable(problem: str) -> UnavailableError:
    return UnavailableError(problem, "Try again, perhaps on another replica.", retry_after_s=_RETRY_AFTER_S)
