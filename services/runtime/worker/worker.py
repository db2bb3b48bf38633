"""The server's side of the worker: admits calls, runs them on the child, and starts a new child when one dies."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import socket
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from services.base.errors import FailedPreconditionError, InvalidInputError, UnavailableError, VigentError
from services.base.settings import ServerSettings
from services.enginekit.progress import ProgressSnapshot
from services.enginekit.settings import EngineSettings
from services.runtime.metrics import ServerMetrics
from services.runtime.worker.admission import Admission, Slot
from services.runtime.worker.call import Admitted, Call
from services.runtime.worker.messages import Boot, Ended, LoadFailed, Open, Ready, Report
from services.runtime.worker.process import WorkerProcess
from services.runtime.worker.quarantine import Quarantine, request_key
from services.runtime.worker.restarts import Restarts
from services.runtime.worker.state import State
from services.runtime.worker.units import Units
from vigent.media.v1 import media_pb2

_LOG = logging.getLogger(__name__)
_RETRY_AFTER_S = 1.0


class Worker:
    """The engine of this server, living in a child process that is replaced when it dies or hangs."""

    def __init__(
        self, boot: Boot, engine: str, settings: ServerSettings, metrics: ServerMetrics, fallback: str = ""
    ) -> None:
        """`boot` is what every child starts with, `engine` and `fallback` the names that callers see.

        Call `run` to start.
        """
        self.attributes: Mapping[str, Any] = {}
        self.stage_s: Mapping[str, float] = {}
        self.problem: FailedPreconditionError | None = None
        self.calls: dict[int, Call] = {}
        self.process: WorkerProcess | None = None
        self.admission = Admission(settings.slots, settings.queue_limit, metrics.refused)
        self.units = Units(settings.stall_ceiling_s)
        self.changed = asyncio.Event()
        self.available = asyncio.Event()
        self.draining = self.stalled = self.retiring = self.broken = False
        self.engine, self.version = engine, ""
        self.missing = ""
        self._boot, self._metrics, self._fallback = boot, metrics, fallback
        self._progress_interval_s, self._grace_s = settings.progress_interval_s, settings.kill_grace_s
        self._caller_budget_s = settings.caller_budget_s
        self._quarantine, self._restarts = Quarantine(), Restarts(settings.restart_limit, settings.reload_pause_s)
        self._ids, self._epochs = itertools.count(1), itertools.count(1)
        self._wrong_setting: InvalidInputError | None = None
        self._closing = False
        self._server = f"{socket.gethostname()}:{os.getpid()}"

    @property
    def ready(self) -> bool:
        """Whether a new call would be worked on."""
        return self.available.is_set() and not (self.draining or self.stalled or self.broken)

    @property
    def live(self) -> bool:
        """Whether this process is worth keeping: no, when two workers died without one finished unit.

        Yes while the engine cannot be loaded: a new process would find the same files and the same packages, and this
        one goes on trying.
        """
        return not self._restarts.fruitless

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
    def engine_settings(self) -> EngineSettings:
        """What the engine is made with."""
        return self._boot.settings

    async def run(self) -> None:
        """Keeps a child running until `close`, and tries again what cannot be loaded.

        Raises InvalidInputError for settings with which no engine was ever loaded: only a new process reads others.
        """
        while not self._closing:
            boot = replace(self._boot, epoch=next(self._epochs))
            self.process = WorkerProcess(boot, self._received)
            self._bury(self.process, await self.process.wait())
            if self._wrong_setting is not None:
                raise self._wrong_setting
            if not self._restarts.allowed:
                self._give_up()
                return
            await asyncio.sleep(self._restarts.pause_s)

    @asynccontextmanager
    async def call(
        self, method: str, request: object, inputs: AsyncIterator[object] | None = None
    ) -> AsyncIterator[Call]:
        """Runs `method` of the engine once a slot is free. On leaving, an unfinished call is cancelled.

        Raises ExhaustedError when the queue is full, UnavailableError while there is no worker, and
        FailedPreconditionError for a request that has killed workers, or when the engine cannot be loaded.
        """
        started_s = time.monotonic()
        call = await self._admit(method, request, inputs is not None)
        feeder = asyncio.create_task(call.feed(inputs)) if inputs is not None else None
        try:
            yield call
        finally:
            if feeder is not None:
                feeder.cancel()
            call.cancel()
            self._metrics.call_ended(call, started_s)

    def budget_s(self, snapshot: ProgressSnapshot) -> float:
        """Seconds without a sign of progress that end a call: what its caller has, where it waits for that one."""
        return self._caller_budget_s if snapshot.waiting else self.units.budget_s(snapshot)

    def require_engine(self) -> None:
        """Raises UnavailableError before the engine was loaded, FailedPreconditionError when it cannot be."""
        if self.problem is not None or not self.stage_s:
            raise self._absence()

    def retire(self) -> None:
        """Gives the child no further calls; once it is idle it can be replaced. Waiting calls wait for the next."""
        self.retiring = True
        self.available.clear()
        self.changed.set()

    async def close(self) -> None:
        """Ends the child."""
        self._closing = True
        if self.process is not None:
            await self.process.close(self._grace_s)

    def observe(self) -> None:
        """Takes note of the progress records."""
        if self.process is None:
            return
        finished = [self.units.observe(slot, now) for slot, now in enumerate(self.process.snapshots())]
        if any(finished[1:]):
            self._restarts.unit_finished()
            self.changed.set()

    async def _admit(self, method: str, request: object, streaming: bool) -> Call:
        key = request_key(method, request)
        self._quarantine.check(key)
        if self.problem is not None or self.broken or self.stalled or not self.available.is_set():
            self._metrics.refused("unavailable")
            raise self._absence()
        slot = await self.admission.acquire()
        try:
            process = await self._present_process()
            opened = Open(next(self._ids), slot.number, method, request, streaming)
            call = Call(Admitted(slot, key, self._accepted(slot)), opened, process, self._progress_interval_s)
        except BaseException:
            self.admission.release(slot)
            raise
        self.calls[call.id] = call
        return call

    async def _present_process(self) -> WorkerProcess:
        if self.problem is None:
            await self.available.wait()
        if self.problem is not None or self.broken or self.process is None:
            raise self._absence()
        return self.process

    def _absence(self) -> VigentError:
        """Why there is no engine; a new error each time, since a raised one keeps what raised it."""
        if self.broken:
            return _unavailable("The engine keeps dying and is not started any more.")
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
        """The first load decides between engine and fallback: no film is to be made by both."""
        if message.missing is None:
            self._boot = replace(self._boot, fallback="")
            return
        self.missing = f"{self._fallback} stands in for {self.engine}: {message.missing}"
        _LOG.warning("%s", self.missing)
        self._boot, self.engine = self._boot.of_fallback(), self._fallback

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
        self.available.set()  # lets those who wait for a worker learn that there is none
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

    def _bury(self, process: WorkerProcess, exit_code: int) -> None:
        """Takes leave of a dead child: its calls end, and only they."""
        self.observe()
        self.units.worker_died()
        self.available.clear()
        self.changed.set()
        calls = list(self.calls.values())
        if process.death_reason == "load":
            self._metrics.restarted("load")
        elif not self._closing:
            _LOG.error("worker %d (epoch %d) ended with exit code %d", process.pid, process.epoch, exit_code)
            self._metrics.restarted(process.death_reason)
            if calls or not self.retiring:
                self._restarts.died()
        self.stalled = self.retiring = False
        for call in [call for call in calls if call.hung] or calls:
            self._quarantine.worker_died(call.key)
        for call in calls:
            self._release(call, Ended(call.id, _unavailable("The worker died during the call.")))

    def _give_up(self) -> None:
        _LOG.critical("the worker died too often; it is not started again")
        self.broken = True
        self.available.set()  # lets those who wait for a worker learn that there is none
        self.changed.set()


def _unavailable(problem: str) -> UnavailableError:
    return UnavailableError(problem, "Try again, perhaps on another replica.", retry_after_s=_RETRY_AFTER_S)
