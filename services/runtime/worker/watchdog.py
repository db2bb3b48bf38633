"""The watchdog: finds a hung engine by its progress records, and escalates until it works again.

Escalation: NOT_SERVING -> cancel -> stack dump -> SIGTERM -> SIGKILL, of the worker alone; `worker.py` then starts a
new one. A long inference that keeps finishing units is never touched. A worker that computes nothing, because it is
idle or all its calls wait for their callers, has no progress to show; it is pinged instead.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from services.base.errors import UnavailableError
from services.base.settings import ServerSettings
from services.enginekit.progress import ProgressSnapshot
from services.runtime.worker.call import Call
from services.runtime.worker.process import WorkerProcess
from services.runtime.worker.units import Units
from services.runtime.worker.worker import Worker

_LOG = logging.getLogger(__name__)
_RETRY_AFTER_S = 1.0
_OVERSLEPT_S = 1.0
_IDLE_LOOK_S = 2.0
_LEAST_SILENCE_S = 2.0  # on a busy machine an idle process may have to wait for its turn
_SCHEDSTAT = Path("/proc/self/schedstat")  # of the first thread, in which the event loop runs


class Watchdog:
    """Looks at a worker every `watch_interval_s`, while it is being recovered, too: other slots may hang meanwhile.

    One that is idle and answers is looked at more seldom, and at once when a call begins.
    """

    def __init__(self, worker: Worker, settings: ServerSettings) -> None:
        self._worker, self._settings = worker, settings
        self._stalls = Stalls(worker.units)
        self._awake_since_ns = self._busy_until_ns = self._unanswered_ns = 0
        self._recovery: asyncio.Task[None] | None = None
        self._told: set[tuple[int, ...]] = set()

    async def run(self) -> None:
        """Watches until cancelled."""
        try:
            while True:
                now_ns = await self._sleep()
                process = self._worker.process
                if process is not None and not process.exited.done():
                    await self._look(process, now_ns)
        finally:
            if self._recovery is not None:
                self._recovery.cancel()

    async def _sleep(self) -> int:
        """Returns the time of waking up, on the monotonic clock.

        After this process or the whole machine was paused, engine and callers get their full budgets again; not where
        this process had much to do, or to wait for a processor.
        """
        interval_s = self._interval_s()
        slept_ns, busy_ns = time.monotonic_ns(), _busy_ns()
        self._worker.called.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(interval_s):
                await self._worker.called.wait()
        now_ns = time.monotonic_ns()
        away_s = (now_ns - slept_ns - (_busy_ns() - busy_ns)) / 1e9
        if away_s > interval_s + _OVERSLEPT_S:
            self._awake_since_ns = now_ns
        return now_ns

    def _interval_s(self) -> float:
        """Until the next look: a silent worker is to be found as soon as a busy one.

        A thread that works on after its call has ended makes it a busy one.
        """
        often_s, process = self._settings.recovery.watch_interval_s, self._worker.process
        if process is None or self._unanswered_ns or not self._worker.idle:
            return often_s
        if any(snapshot.active for snapshot in process.snapshots()):
            return often_s
        return max(often_s, min(_IDLE_LOOK_S, self._settings.stall_budget_s / 4))

    async def _look(self, process: WorkerProcess, now_ns: int) -> None:
        self._worker.observe()
        self._end_idle_calls(now_ns)
        snapshots = process.snapshots()
        self._unanswered_ns = process.unanswered_ns(now_ns)
        standstill = self._unanswered_ns > 0 and not process.is_stopped()
        slots = self._stalls.hung(snapshots, now_ns, since_ns=self._awake_since_ns, standstill=standstill)
        self._tell(process, slots)
        if self._recovery is not None and not self._recovery.done():
            return
        if self._recovery is not None:
            self._recovery.result()
            self._recovery = None
        if slots:
            self._recovery = asyncio.create_task(self._recover(process, slots))
        elif self._is_silent(process, snapshots, now_ns):
            self._recovery = asyncio.create_task(self._replace_silent(process))
        else:
            await self._limit_memory(process)

    def _tell(self, process: WorkerProcess, slots: set[int]) -> None:
        """Callers and the log learn at once of each hang, once."""
        hung = {_latest_unit(slot, process.snapshot(slot)): slot for slot in slots}
        new = [slot for key, slot in hung.items() if key not in self._told]
        self._told = set(hung)
        if new:
            self._turn_away()
        for slot in new:
            snapshot = process.snapshot(slot)
            _LOG.error("slot %d hangs in %r after %d units", slot, snapshot.phase, snapshot.units_done)
        _fail([call for call in self._worker.calls.values() if call.slot.number in new])

    def _end_idle_calls(self, now_ns: int) -> None:
        """A caller that neither reads nor sends does not keep its slot for ever."""
        budget_s = self._settings.caller_budget_s
        for call in list(self._worker.calls.values()):
            snapshot = call.snapshot()
            if snapshot.waiting and (now_ns - max(snapshot.updated_ns, self._awake_since_ns)) / 1e9 > budget_s:
                problem = f"The caller neither read nor sent for {budget_s:g} s."
                call.fail(UnavailableError(problem, "Call again, and keep up with it.", reason="CALLER_IDLE"))

    def _is_silent(self, process: WorkerProcess, snapshots: Sequence[ProgressSnapshot], now_ns: int) -> bool:
        """Whether a worker that computes nothing has said nothing for a whole stall budget, although it was asked."""
        if any(snapshot.working for snapshot in snapshots):  # it may hold the GIL
            self._busy_until_ns = now_ns
            return False
        asked_ns, silence_ns = process.unanswered_ns(now_ns), process.silence_ns(now_ns)
        heard_ns = now_ns - max(self._awake_since_ns, self._busy_until_ns)
        return min(asked_ns, heard_ns) / 1e9 > _LEAST_SILENCE_S and min(silence_ns, heard_ns) / 1e9 > max(
            _LEAST_SILENCE_S, self._settings.stall_budget_s
        )

    async def _replace_silent(self, process: WorkerProcess) -> None:
        with self._stalled(process):
            _LOG.error("worker %d computes nothing and gives no sign of life", process.pid)
            _fail(self._worker.calls.values())
            await self._kill(process)

    async def _recover(self, process: WorkerProcess, slots: set[int]) -> None:
        with self._stalled(process):
            hung = [call for call in self._worker.calls.values() if call.slot.number in slots]
            if 0 in slots or not hung or not await self._obeys(hung):  # without a call nothing can be cancelled
                await self._kill(process)

    @contextmanager
    def _stalled(self, process: WorkerProcess) -> Iterator[None]:
        """No new calls meanwhile, and none in line; if the process has ended, none until `Worker` has noticed."""
        self._turn_away()
        yield
        if not process.exited.done():
            self._worker.stalled = False
            self._worker.changed.set()

    def _turn_away(self) -> None:
        self._worker.stalled = True
        self._worker.send_back()
        self._worker.changed.set()

    async def _obeys(self, hung: list[Call]) -> bool:
        """Whether all hung calls end by themselves after the cancel."""
        _, running = await asyncio.wait([call.ended for call in hung], timeout=self._settings.recovery.cancel_grace_s)
        return not running

    async def _kill(self, process: WorkerProcess) -> None:
        process.death_reason = "stall"
        process.note_whether_stopped()
        for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGKILL):
            _LOG.error("sending %s to worker %d", number.name, process.pid)
            process.signal(number)
            done, _ = await asyncio.wait([process.exited], timeout=self._settings.recovery.kill_grace_s)
            if done:
                return
        await self._await_end(process)

    async def _await_end(self, process: WorkerProcess) -> None:
        """Waits for a killed worker to end. One that stays is replaced all the same; two of them ask for a new pod."""
        done, _ = await asyncio.wait([process.exited], timeout=self._settings.recovery.exit_budget_s)
        if not done:
            _LOG.critical("worker %d was killed and is not gone; another one takes its place", process.pid)
            process.abandon()

    async def _limit_memory(self, process: WorkerProcess) -> None:
        soft, hard = self._settings.memory_soft_bytes, self._settings.memory_hard_bytes
        resident = process.resident_bytes() if soft or hard else 0
        if hard and resident > hard:
            _LOG.error("worker %d uses %d bytes of memory, more than the hard limit", process.pid, resident)
            process.death_reason = "memory"
            process.signal(signal.SIGKILL)
            await self._await_end(process)
        elif soft and resident > soft and process.calls_opened and not self._worker.retiring:
            _LOG.warning("worker %d uses %d bytes of memory, more than the soft limit", process.pid, resident)
            self._worker.retire()
        if self._worker.retiring and not self._worker.calls:
            process.death_reason = "memory"
            await process.close(self._settings.recovery.kill_grace_s)
            await self._await_end(process)


class Stalls:
    """Judges which slots hang: those that have worked for longer than their budget without finishing a unit.

    Time in which no Python ran in the worker is not held against a slot, since C code of another slot may have held the
    GIL. Nobody can see which slot holds it, so this allowance ends with the longest budget of all working slots. Times
    are on the monotonic clock.
    """

    def __init__(self, units: Units) -> None:
        self._units = units
        self._excused_ns: dict[tuple[int, ...], int] = {}
        self._looked_ns = 0

    def hung(
        self, snapshots: Sequence[ProgressSnapshot], now_ns: int, *, since_ns: int = 0, standstill: bool = False
    ) -> set[int]:
        """Numbers of the slots that hang, judged at each look; time before `since_ns` counts against none of them.

        `standstill`: the thread that takes calls has not answered since the previous look.
        """
        working = {number: snapshot for number, snapshot in enumerate(snapshots) if snapshot.working}
        self._excuse(working, now_ns - self._looked_ns if standstill else 0)
        self._looked_ns = now_ns
        longest_s = max((self._units.budget_s(snapshot) for snapshot in working.values()), default=0.0)
        hung = set()
        for number, snapshot in working.items():
            without_unit_ns = min(snapshot.worked_ns + now_ns - snapshot.updated_ns, now_ns - since_ns)
            own_s = (without_unit_ns - self._excused_ns[_latest_unit(number, snapshot)]) / 1e9
            if own_s > self._units.budget_s(snapshot) or without_unit_ns / 1e9 > longest_s:
                hung.add(number)
        return hung

    def _excuse(self, working: Mapping[int, ProgressSnapshot], elapsed_ns: int) -> None:
        """Adds to each slot's excused time; a slot that is new or has finished a unit since starts from zero."""
        excused = (_latest_unit(number, snapshot) for number, snapshot in working.items())
        self._excused_ns = {key: self._excused_ns.get(key, 0) + elapsed_ns for key in excused}


def _latest_unit(number: int, snapshot: ProgressSnapshot) -> tuple[int, ...]:
    """Names the unit that the slot finished last: another one with each unit, and with each call."""
    return number, snapshot.epoch, snapshot.request, snapshot.lifetime_units


def _busy_ns() -> int:
    """For how long the event loop's thread has computed, or waited for a processor to do so; 0 where nobody tells."""
    try:
        computed, waited, _ = map(int, _SCHEDSTAT.read_text(encoding="ascii").split())
    except (OSError, ValueError):
        return 0
    return computed + waited


def _fail(hung: Iterable[Call]) -> None:
    for call in hung:
        call.hung = True
        call.fail(_hung_error(call))


def _hung_error(call: Call) -> UnavailableError:
    snapshot = call.snapshot()
    return UnavailableError(
        f"The engine hung in phase {snapshot.phase!r} after {snapshot.units_done} units.",
        "Try again, perhaps on another replica.",
        reason="STALLED",
        retry_after_s=_RETRY_AFTER_S,
    )
