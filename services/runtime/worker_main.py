"""The worker: the child process that owns the device, holds the engine and runs its methods, one thread a slot.

The main thread loads the engine and then reads orders; it never waits for the engine, so a cancel always arrives.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import importlib
import logging
import os
import queue
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, MutableSequence, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import cast

from services.runtime import errors
from services.runtime.device import device_memory_bytes, is_device_lost, is_out_of_memory, release_device_memory
from services.runtime.errors import ExhaustedError, InternalError, InvalidInputError, VigentError
from services.runtime.log import configure_logging
from services.runtime.messages import (
    Boot,
    Cancel,
    Credit,
    Ended,
    EndOfInputs,
    Event,
    Input,
    LoadFailed,
    Open,
    Ready,
    ToServer,
    ToWorker,
)
from services.runtime.pipe import encode, receive, write
from services.runtime.progress import Progress

_LOG = logging.getLogger(__name__)
_PR_SET_PDEATHSIG = 1  # prctl(2)
_END = object()

Send = Callable[[ToServer], None]


def main(
    boot: Boot,
    orders: Connection,
    replies: Connection,
    records: Sequence[MutableSequence[int]],
    gauges: MutableSequence[int],
) -> None:
    """Entry point of the child. `records[0]` is for loading, `records[n]` for slot n; `gauges[0]` is device memory."""
    _die_with(boot.parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the server drains first
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    configure_logging(boot.log_level, f"{boot.service}-worker-{boot.epoch}")
    reply = _sender(replies)
    try:
        engine = _load(boot, records[0])
        attributes = {name: _attribute(engine, name) for name in boot.attributes}
    except Exception as error:
        reply(LoadFailed(_typed(error, f"The engine {boot.engine} could not be loaded.")))
        os._exit(os.EX_SOFTWARE)  # without waiting for threads that the engine may have started
    gauges[0] = device_memory_bytes()
    reply(Ready(attributes))
    _Calls(boot, engine, records, gauges, reply).serve(orders)


def load_class(path: str) -> Callable[..., object]:
    """The class that "module:Class" names. Raises InvalidInputError when there is none."""
    module, _, name = path.partition(":")
    try:
        found: Callable[..., object] = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        remedy = "Install the extra that brings it, or name another engine."
        raise InvalidInputError(f"The engine {path!r} cannot be imported: {error}.", remedy, "engine") from error
    return found


def _load(boot: Boot, record: MutableSequence[int]) -> object:
    progress = Progress(record, epoch=boot.epoch, default_budget_s=boot.load_budget_s)
    progress.phase("load", 1)
    engine = load_class(boot.engine)(boot.settings)
    progress.advance()
    warm_up = getattr(engine, "warm_up", None)
    if warm_up is not None:
        progress.phase("warm-up", stall_budget_s=boot.warm_up_budget_s)
        warm_up(progress)
        progress.advance()
    progress.finish()
    return engine


def _attribute(engine: object, name: str) -> object:
    value = getattr(engine, name)
    return value() if callable(value) else value


class _Calls:
    """The calls that are open in this worker."""

    def __init__(
        self,
        boot: Boot,
        engine: object,
        records: Sequence[MutableSequence[int]],
        gauges: MutableSequence[int],
        send: Send,
    ) -> None:
        self._boot, self._engine, self._records, self._gauges, self._send = boot, engine, records, gauges, send
        self._threads = ThreadPoolExecutor(boot.slots, thread_name_prefix="slot")
        self._open: dict[int, _Call] = {}

    def serve(self, orders: Connection) -> None:
        """Reads the orders until the server closes it, then ends the process without waiting for the engine."""
        with contextlib.suppress(EOFError, OSError):
            while True:
                self._handle(cast("ToWorker", receive(orders)))
        os._exit(0)

    def _handle(self, message: ToWorker) -> None:
        if isinstance(message, Open):
            call = _Call(message, self._boot, self._records[message.slot], self._send)
            self._open[message.call] = call
            self._threads.submit(self._run, call)
        elif (open_call := self._open.get(message.call)) is not None:
            open_call.handle(message)

    def _run(self, call: _Call) -> None:
        error = call.run(self._engine)
        del self._open[call.id]
        self._gauges[0] = device_memory_bytes()
        self._send(Ended(call.id, error, dict(call.progress.units)))


class _Call:
    """One running call: its inputs, the credit for its outputs, its progress record."""

    def __init__(self, opened: Open, boot: Boot, record: MutableSequence[int], send: Send) -> None:
        self.id = opened.call
        self._opened, self._send = opened, send
        self._inputs: queue.SimpleQueue[object] = queue.SimpleQueue()
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
                self._inputs.put(_END)
            case Credit():
                self._credit.release(message.count)
            case Cancel():
                self._cancelled.set()
                self._inputs.put(_END)  # wakes an engine that waits for input
                self._credit.release()  # or for credit

    def run(self, engine: object) -> VigentError | None:
        """Runs the engine's method to its end; called on the slot's thread."""
        self.progress.phase(self._opened.method)
        try:
            self._stream(getattr(engine, self._opened.method))
        except Exception as error:
            return _typed(error, "The engine failed.")
        finally:
            self.progress.finish()
        return None

    def _stream(self, method: Callable[..., Generator[object]]) -> None:
        inputs = (self._read_inputs(),) if self._opened.streaming else ()
        with contextlib.closing(method(self._opened.request, *inputs, self.progress)) as events:
            for event in events:
                self._take_credit()
                self._send(Event(self.id, event))

    def _take_credit(self) -> None:
        with self.progress.waiting():
            self._credit.acquire()
        self.progress.raise_if_cancelled()

    def _read_inputs(self) -> Iterator[object]:
        while True:
            with self.progress.waiting():
                item = self._inputs.get()
            self.progress.raise_if_cancelled()
            if item is _END:
                return
            self._send(Credit(self.id, 1))
            yield item


def _sender(replies: Connection) -> Send:
    lock = threading.Lock()

    def send_whole(message: ToServer) -> None:
        parts = encode(message)
        with lock:
            write(replies, parts)

    return send_whole


def _typed(error: Exception, problem: str) -> VigentError:
    """The error as the server may know it: of a class in `errors`, without internals. Ends the process if it must."""
    if isinstance(error, VigentError):
        return _plain(error)
    if is_out_of_memory(error):
        _LOG.warning("out of memory", exc_info=error)
        release_device_memory()
        return ExhaustedError(
            "The device has not enough memory for this call.",
            "Send less at once, or try again later.",
            reason="OUT_OF_MEMORY",
            retry_after_s=5.0,
        )
    _LOG.error("the engine raised an error", exc_info=error)
    if is_device_lost(error):
        logging.shutdown()
        os._exit(os.EX_IOERR)  # a lost CUDA context never comes back inside one process
    return InternalError(problem, "See the worker's log.")


def _plain(error: VigentError) -> VigentError:
    """Engines may subclass our errors; unpickling such a class would import the engine into the server."""
    known: Mapping[str, type[VigentError]] = {kind.__name__: kind for kind in _ERROR_TYPES}
    kind = next(known[base.__name__] for base in type(error).__mro__ if base in _ERROR_TYPES)
    return kind(error.problem, error.remedy, error.field, error.reason, error.retry_after_s)


_ERROR_TYPES = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, VigentError)]


def _die_with(parent: int) -> None:
    """Makes the kernel kill this process when its parent dies, so that no orphan keeps the device."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above
        os._exit(0)
