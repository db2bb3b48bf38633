"""The worker: the child process that owns the device, holds the engine and runs its methods, one thread per slot.

The main thread loads the engine and then only reads the server's messages. It never waits for the engine, so a cancel
always gets through. This file and what it imports stay light (no pydantic, no gRPC): every new worker pays for them.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import logging
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterator, MutableSequence, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Any, cast

from services.base import errors
from services.base.allocator import keep_large_blocks
from services.base.disk import disk_full, is_disk_full
from services.base.errors import ExhaustedError, InternalError, VigentError
from services.base.log import configure_logging
from services.base.terminal import replace_what_cannot_be_shown
from services.base.tracing.spans import continued
from services.enginekit.device import device_memory, is_device_lost, is_out_of_memory, release_device_memory
from services.enginekit.progress import Progress
from services.media.opencv import let_opencv_threads_sleep
from services.runtime.worker.loading import load_engine
from services.runtime.worker.messages import (
    Boot,
    Cancel,
    Credit,
    Ended,
    EndOfInputs,
    Event,
    Input,
    LoadFailed,
    Open,
    Ping,
    Pong,
    Ready,
    ToServer,
    ToWorker,
)
from services.runtime.worker.pipe import encode, receive, write

_LOG = logging.getLogger(__name__)
_PR_SET_PDEATHSIG = 1  # prctl(2)
_NICENESS = 5  # a worker that computes on every core must not keep its server from answering health checks

_OUT_OF_MEMORY = "OUT_OF_MEMORY"  # reason of the ExhaustedError of a full device; engines raise it under this name too
_ERROR_CLASSES = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, VigentError)]
_END_OF_INPUTS = object()

_Send = Callable[[ToServer], None]


def main(
    boot: Boot,
    orders: Connection,
    replies: Connection,
    records: Sequence[MutableSequence[int]],
    gauges: MutableSequence[int],
) -> None:
    """Entry point of the child.

    `records[0]` holds the progress of loading, `records[n]` that of slot n; `gauges` holds the two `device_memory`
    figures.
    """
    _die_with(boot.parent)
    _leave_tracker()
    os.nice(_NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the server drains first
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    keep_large_blocks()
    replace_what_cannot_be_shown()
    let_opencv_threads_sleep()
    configure_logging(boot.log_level, f"{boot.service}-worker-{boot.epoch}", boot.log_format)
    send = _sender(replies)
    try:
        loaded = load_engine(boot, records[0])
    except Exception as error:
        send(LoadFailed(_typed_error(error, f"The engine {boot.choice.first.engine} could not be loaded.")))
        os._exit(os.EX_SOFTWARE)  # without waiting for threads that the engine may have started
    gauges[:] = device_memory()
    passed_over = tuple(_typed_error(error, "") for error in loaded.passed_over)
    send(Ready(loaded.attributes, loaded.stage_s, loaded.version, len(passed_over), passed_over))
    _Calls(boot, loaded.engine, records, gauges, send).serve(orders)


class _Calls:
    """The calls that are running in this worker."""

    def __init__(
        self,
        boot: Boot,
        engine: object,
        records: Sequence[MutableSequence[int]],
        gauges: MutableSequence[int],
        send: _Send,
    ) -> None:
        self._boot, self._engine, self._records, self._gauges, self._send = boot, engine, records, gauges, send
        self._threads = ThreadPoolExecutor(boot.slots, thread_name_prefix="slot")
        self._running: dict[int, _RunningCall] = {}

    def serve(self, orders: Connection) -> None:
        """Handles messages until the server closes the pipe, then ends the process without waiting for the engine."""
        with contextlib.suppress(EOFError, OSError):
            while True:
                self._handle(cast("ToWorker", receive(orders)))
        os._exit(0)

    def _handle(self, message: ToWorker) -> None:
        if isinstance(message, Ping):
            self._send(Pong())
        elif isinstance(message, Open):
            call = _RunningCall(message, self._boot, self._records[message.slot], self._send)
            self._running[message.call] = call
            self._threads.submit(self._run, call)
        elif (running := self._running.get(message.call)) is not None:
            running.handle(message)

    def _run(self, call: _RunningCall) -> None:
        """Runs on the slot's thread. The record stays active until the very end, so that a hang in here is found."""
        try:
            with continued(call.traceparent):
                error = call.run(self._engine)
            if error is not None and error.reason == _OUT_OF_MEMORY:
                call.progress.phase("release memory")
                release_device_memory()
            self._gauges[:] = device_memory()
            del self._running[call.id]
            call.progress.finish()
            self._send(Ended(call.id, error, dict(call.progress.units), time.time_ns()))
        except BaseException:  # a call whose end is never reported would occupy its slot for ever
            _LOG.exception("call %d cannot be ended", call.id)
            os._exit(os.EX_SOFTWARE)


class _RunningCall:
    """One call: runs the engine's method, feeds it inputs, sends what it yields as far as the credit allows."""

    def __init__(self, opened: Open, boot: Boot, record: MutableSequence[int], send: _Send) -> None:
        self.id, self.traceparent = opened.call, opened.traceparent
        self._opened, self._send = opened, send
        self._inputs: queue.SimpleQueue[object] = queue.SimpleQueue()  # bounded by the credit given
        self._credit = threading.Semaphore(boot.window)
        self._cancelled = threading.Event()
        self.progress = Progress(
            record,
            epoch=boot.epoch,
            request=opened.call,
            default_budget_s=boot.stall_budget_s,
            cancelled=self._cancelled,
        )

    def handle(self, message: Input | EndOfInputs | Cancel | Credit) -> None:
        """Called on the main thread; never waits."""
        match message:
            case Input():
                self._inputs.put(message.item)
            case EndOfInputs():
                self._inputs.put(_END_OF_INPUTS)
            case Credit():
                self._credit.release(message.count)
            case Cancel():
                self._cancelled.set()
                self._inputs.put(_END_OF_INPUTS)  # wakes an engine that waits for input
                self._credit.release()  # or for credit

    def run(self, engine: object) -> VigentError | None:
        """Runs the engine's method to its end and returns its error, if any; the record is left for the caller."""
        self.progress.phase(self._opened.method)
        try:
            self._stream(getattr(engine, self._opened.method))
        except BaseException as error:  # SystemExit too: a call that is never reported as ended would keep its slot
            return _typed_error(error, "The engine failed.")
        return None

    def _stream(self, method: Callable[..., Generator[object]]) -> None:
        inputs = (self._read_inputs(),) if self._opened.streaming else ()
        with contextlib.closing(method(self._opened.request, *inputs, self.progress)) as events:
            for event in events:
                self._emit(event)

    def _emit(self, event: object) -> None:
        with self.progress.waiting():
            self._credit.acquire()
            self.progress.raise_if_cancelled()
            self._send(Event(self.id, event))

    def _read_inputs(self) -> Iterator[object]:
        while True:
            with self.progress.waiting():
                item = self._inputs.get()
            self.progress.raise_if_cancelled()
            if item is _END_OF_INPUTS:
                return
            self._send(Credit(self.id, 1))
            yield item


def _typed_error(error: BaseException, problem: str) -> VigentError:
    """What the server may know of an error: a class of `errors`, without internals.

    Ends the process when only a new one can help.
    """
    if isinstance(error, VigentError):
        return _as_known_class(error)
    if is_out_of_memory(error):
        _LOG.warning("out of memory", exc_info=error)
        return ExhaustedError(
            "The device has not enough memory.",
            "Send less at once, or try again later.",
            reason=_OUT_OF_MEMORY,
            retry_after_s=5.0,
        )
    if is_disk_full(error):
        return disk_full("The disk of a model server is full.")
    _LOG.error("the engine raised an error", exc_info=error)
    if is_device_lost(error):
        logging.shutdown()
        os._exit(os.EX_IOERR)  # a lost CUDA context never comes back inside one process
    return InternalError(problem, "See the worker's log.")


def _as_known_class(error: VigentError) -> VigentError:
    """Engines may subclass our errors; unpickling such a class would import the engine into the server."""
    kind = next(base for base in type(error).__mro__ if base in _ERROR_CLASSES)
    return kind(error.problem, error.remedy, error.field, error.reason, error.retry_after_s)


def _sender(replies: Connection) -> _Send:
    lock = threading.Lock()

    def send_whole(message: ToServer) -> None:
        parts = encode(message)
        with lock:
            write(replies, parts)

    return send_whole


def _leave_tracker() -> None:
    """What an engine's library shares by a name gets a tracker of its own: the server has started none."""
    tracker: Any = resource_tracker._resource_tracker
    if tracker._fd is not None:
        os.close(tracker._fd)
        tracker._fd = None


def _die_with(parent: int) -> None:
    """Makes the kernel kill this process when its parent dies, so that no orphan keeps the device."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above
        os._exit(0)
