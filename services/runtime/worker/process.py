"""One worker process as the server sees it: its records, and two pipe threads so that the event loop never waits."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import multiprocessing
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator, MutableSequence
from multiprocessing import resource_tracker
from typing import TypeVar, cast

import psutil

from services.enginekit.progress import RECORD_WORDS, Progress, ProgressSnapshot, read_progress
from services.runtime.worker import child as worker_main
from services.runtime.worker.messages import Boot, Open, Ping, Pong, Report, ToServer, ToWorker
from services.runtime.worker.pipe import encode, receive, widen, write

_LOG = logging.getLogger(__name__)
_EXIT_TIME_S = 5.0
_PING_INTERVAL_S = 1.0
_CONTEXT = multiprocessing.get_context("spawn")
_Argument = TypeVar("_Argument")


class WorkerProcess:
    """A child process that was started; the future `exited` is done once it has ended."""

    def __init__(self, boot: Boot, received: Callable[[Report], None]) -> None:
        """Starts the child; `received` is called on the event loop with every message.

        Must be made on a thread that lives as long as the server: when that thread ends, the kernel kills the child.
        """
        self.epoch = boot.epoch
        self.death_reason = "crash"
        self.was_stopped = False
        self.calls_opened = 0
        self._pinged_ns, self._heard_ns, self._answered = 0, time.monotonic_ns(), True
        self._ping_interval_ns = int(min(_PING_INTERVAL_S, boot.stall_budget_s / 4) * 1e9)
        self._received = received
        self._loop = asyncio.get_running_loop()
        self.exited: asyncio.Future[int] = self._loop.create_future()
        self._records = [_shared_words(RECORD_WORDS) for _ in range(boot.slots + 1)]
        self._gauges = _shared_words(2)
        self._boot = boot
        self._mark(0, "load", boot.load_budget_s)
        self._latest = [read_progress(record) for record in self._records]
        self._outbox: queue.SimpleQueue[list[memoryview] | None] = queue.SimpleQueue()
        self._replies, their_replies = _CONTEXT.Pipe(duplex=False)
        their_orders, self._orders = _CONTEXT.Pipe(duplex=False)
        widen(self._orders)
        widen(self._replies)
        self._process = _CONTEXT.Process(
            target=worker_main.main,
            args=(boot, their_orders, their_replies, self._records, self._gauges),
            name=f"{boot.service}-worker",
        )
        with _no_tracker():
            self._process.start()
        self.pid = cast("int", self._process.pid)
        their_replies.close()  # so that reading ends when the child does
        their_orders.close()
        self._writer = threading.Thread(target=self._write, name="worker-writer", daemon=True)
        self._reader = threading.Thread(target=self._read, name="worker-reader", daemon=True)
        self._writer.start()
        self._reader.start()

    @property
    def device_memory(self) -> tuple[int, int]:
        """Bytes of device memory that the child reserved and that it used, as of loading or its latest call."""
        reserved, used = self._gauges
        return reserved, used

    def open(self, message: Open) -> None:
        """Starts a call on a free slot; until the worker takes it up, the slot's record says "start"."""
        parts = encode(message)  # first: a request that cannot be pickled must leave no trace
        self.calls_opened += 1
        self._mark(message.slot, "start", self._boot.stall_budget_s, message.call)
        self._outbox.put(parts)

    def send(self, message: ToWorker) -> None:
        """Queues a message; never waits. How much a call can queue is bounded by the credit of its stream."""
        self._outbox.put(encode(message))

    def unanswered_ns(self, now_ns: int) -> int:
        """Pings the child from time to time; returns for how long the latest ping has gone unanswered, 0 if it has not.

        The thread that takes calls answers, so this finds a frozen process as well as a stuck reader.
        """
        if self._answered and now_ns - self._pinged_ns > self._ping_interval_ns:
            self._answered, self._pinged_ns = False, now_ns
            self.send(Ping())
        return 0 if self._answered else now_ns - self._pinged_ns

    def silence_ns(self, now_ns: int) -> int:
        """How long ago a ping was answered last, if one is unanswered; else 0."""
        return 0 if self._answered else now_ns - self._heard_ns

    def snapshot(self, slot: int) -> ProgressSnapshot:
        """The record of a slot, or its last complete state if the child stopped in the middle of writing."""
        snapshot = read_progress(self._records[slot]) or self._latest[slot]
        assert snapshot is not None  # the first read was made before the child existed
        self._latest[slot] = snapshot
        return snapshot

    def snapshots(self) -> list[ProgressSnapshot]:
        """All records: that of loading, then those of the slots."""
        return [self.snapshot(slot) for slot in range(len(self._records))]

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal, unless the child has gone."""
        with contextlib.suppress(ProcessLookupError):
            if not self.exited.done():
                os.kill(self.pid, number)

    def note_whether_stopped(self) -> None:
        """Sets `was_stopped` if somebody has stopped the child with a signal, for which no request is to blame."""
        self.was_stopped = self.is_stopped()

    def is_stopped(self) -> bool:
        """Whether the child is stopped by a signal now."""
        with contextlib.suppress(psutil.NoSuchProcess):
            return bool(psutil.Process(self.pid).status() == psutil.STATUS_STOPPED)
        return False

    def resident_bytes(self) -> int:
        """Resident memory of the child; 0 when it has gone."""
        try:
            return int(psutil.Process(self.pid).memory_info().rss)
        except psutil.NoSuchProcess:
            return 0

    async def wait(self) -> int:
        """Waits for the child to end; returns its exit code (negative: the signal that ended it)."""
        return await asyncio.shield(self.exited)  # cancelling one who waits must not cancel the future

    def abandon(self) -> None:
        """Treats a killed child as ended although the kernel still keeps it, as happens when a device driver hangs."""
        self._resolve(-signal.SIGKILL)

    async def close(self, grace_s: float) -> None:
        """Closes the pipe, upon which the child exits by itself; kills a child that does not."""
        self._outbox.put(None)
        done, _ = await asyncio.wait([self.exited], timeout=grace_s)
        if not done:
            self.signal(signal.SIGKILL)
            await asyncio.wait([self.exited], timeout=_EXIT_TIME_S)

    def _mark(self, slot: int, phase: str, budget_s: float, call: int = 0) -> None:
        """Writes a record that the child is not writing at this moment: its slot is free, or it has not started yet."""
        progress = Progress(self._records[slot], epoch=self.epoch, request=call, default_budget_s=budget_s)
        progress.phase(phase)

    def _write(self) -> None:
        with contextlib.suppress(OSError):
            while (parts := self._outbox.get()) is not None:
                write(self._orders, parts)
        self._orders.close()

    def _read(self) -> None:
        try:
            while True:
                self._on_loop(self._take, cast("ToServer", receive(self._replies)))
        except (EOFError, OSError):
            pass
        except Exception:
            _LOG.exception("what worker %d says cannot be read", self.pid)
            self._process.kill()
        self._outbox.put(None)
        self._replies.close()
        self._process.join(timeout=_EXIT_TIME_S)
        if self._process.exitcode is None:  # it closed its pipe but is still alive
            self._process.kill()
            self._process.join()
        exit_code = cast("int", self._process.exitcode)
        self._process.close()
        self._on_loop(self._resolve, exit_code)

    def _take(self, message: ToServer) -> None:
        if isinstance(message, Pong):
            self._answered, self._heard_ns = True, time.monotonic_ns()
        else:
            self._received(message)

    def _resolve(self, exit_code: int) -> None:
        if not self.exited.done():
            self.exited.set_result(exit_code)

    def _on_loop(self, function: Callable[[_Argument], None], argument: _Argument) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has closed: nobody is interested any more
            self._loop.call_soon_threadsafe(function, argument)


@contextlib.contextmanager
def _no_tracker() -> Iterator[None]:
    """A start within takes no process that cleans up after it (6 MB, 0.03 s): what it shares has no name to remove."""
    found, nowhere = resource_tracker.getfd, os.open(os.devnull, os.O_WRONLY)
    resource_tracker.getfd = lambda: nowhere
    try:
        yield
    finally:
        resource_tracker.getfd = found
        os.close(nowhere)


def _shared_words(count: int) -> MutableSequence[int]:
    return cast("MutableSequence[int]", _CONTEXT.RawArray(ctypes.c_int64, count))
