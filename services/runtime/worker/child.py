"""The worker: the child process that owns the device, holds the engine and runs its methods, one thread a slot.

The main thread loads the engine and then reads orders; it never waits for the engine, so a cancel always arrives.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import logging
import os
import signal
import threading
from collections.abc import MutableSequence, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import cast

from services.base.allocator import keep_large_blocks
from services.base.log import configure_logging
from services.enginekit.device import device_memory, release_device_memory
from services.media.opencv import let_opencv_threads_sleep
from services.runtime.worker.engine_errors import OUT_OF_MEMORY, typed_error
from services.runtime.worker.loading import load_engine
from services.runtime.worker.messages import Boot, Ended, LoadFailed, Open, Ping, Pong, Ready, ToServer, ToWorker
from services.runtime.worker.pipe import encode, receive, write
from services.runtime.worker.requests import Send, WorkerCall

_LOG = logging.getLogger(__name__)
_PR_SET_PDEATHSIG = 1  # prctl(2)
_NICENESS = 5  # a worker that computes on every core must not keep its server from answering health checks


def main(
    boot: Boot,
    orders: Connection,
    replies: Connection,
    records: Sequence[MutableSequence[int]],
    gauges: MutableSequence[int],
) -> None:
    """Entry point of the child. `records[0]` is for loading, `records[n]` for slot n; `gauges`: as `device_memory`."""
    _die_with(boot.parent)
    os.nice(_NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the server drains first
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    keep_large_blocks()
    let_opencv_threads_sleep()
    configure_logging(boot.log_level, f"{boot.service}-worker-{boot.epoch}")
    reply = _sender(replies)
    try:
        loaded = load_engine(boot, records[0])
    except Exception as error:
        reply(LoadFailed(typed_error(error, f"The engine {boot.engine} could not be loaded.")))
        os._exit(os.EX_SOFTWARE)  # without waiting for threads that the engine may have started
    gauges[:] = device_memory()
    reply(Ready(loaded.attributes, loaded.stage_s, loaded.version, loaded.missing))
    _Calls(boot, loaded.engine, records, gauges, reply).serve(orders)


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
        self._open: dict[int, WorkerCall] = {}

    def serve(self, orders: Connection) -> None:
        """Reads the orders until the server closes it, then ends the process without waiting for the engine."""
        with contextlib.suppress(EOFError, OSError):
            while True:
                self._handle(cast("ToWorker", receive(orders)))
        os._exit(0)

    def _handle(self, message: ToWorker) -> None:
        if isinstance(message, Ping):
            self._send(Pong())
        elif isinstance(message, Open):
            call = WorkerCall(message, self._boot, self._records[message.slot], self._send)
            self._open[message.call] = call
            self._threads.submit(self._run, call)
        elif (open_call := self._open.get(message.call)) is not None:
            open_call.handle(message)

    def _run(self, call: WorkerCall) -> None:
        """Runs on the slot's thread. The record says that it works until the very end, so a hang in here is found."""
        try:
            error = call.run(self._engine)
            if error is not None and error.reason == OUT_OF_MEMORY:
                call.progress.phase("release memory")
                release_device_memory()
            self._gauges[:] = device_memory()
            del self._open[call.id]
            call.progress.finish()
            self._send(Ended(call.id, error, dict(call.progress.units)))
        except BaseException:  # an end that is not told would keep the slot for ever
            _LOG.exception("call %d cannot be ended", call.id)
            os._exit(os.EX_SOFTWARE)


def _sender(replies: Connection) -> Send:
    lock = threading.Lock()

    def send_whole(message: ToServer) -> None:
        parts = encode(message)
        with lock:
            write(replies, parts)

    return send_whole


def _die_with(parent: int) -> None:
    """Makes the kernel kill this process when its parent dies, so that no orphan keeps the device."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above
        os._exit(0)
