"""One call inside the worker: runs the engine's method on a thread, feeds it inputs, sends what it yields."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Generator, Iterator, MutableSequence

from services.base.errors import VigentError
from services.enginekit.progress import Progress
from services.runtime.worker.engine_errors import typed_error
from services.runtime.worker.messages import Boot, Cancel, Credit, EndOfInputs, Event, Input, Open, ToServer

_END = object()

Send = Callable[[ToServer], None]


class WorkerCall:
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
        """Runs the engine's method to its end, but leaves its record for the caller to finish."""
        self.progress.phase(self._opened.method)
        try:
            self._stream(getattr(engine, self._opened.method))
        except BaseException as error:  # a lost end would keep the slot for ever, so SystemExit counts too
            return typed_error(error, "The engine failed.")
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
            if item is _END:
                return
            self._send(Credit(self.id, 1))
            yield item
