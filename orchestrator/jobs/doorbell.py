"""When the durable engine looks for jobs that wait: at once when one was queued, and seldom while nothing happens.

DBOS asks its database at a fixed interval, a film begins that much later, and asking costs 6 ms of a processor: five
times a second, that was two thirds of what an idle mesh cost.
"""

from __future__ import annotations

import threading
import time

ALONE_S, AMONG_OTHERS_S = 5.0, 0.2
"""Between two looks while nothing happens here; another orchestrator on the same database, if full, queues for all."""
_AWAKE_EVERY_S = 0.2
_AWAKE_FOR_S = 2.0  # a place is free a moment after its job has ended


class Doorbell(threading.Event):
    """The event that stops the engine's queue thread, whose waits end early when it is rung."""

    def __init__(self) -> None:
        super().__init__()
        self._rung, self._busy, self._awake_until_s = threading.Event(), 0, 0.0

    def ring(self) -> None:
        """A job was queued: it is looked for now."""
        self._awake_until_s = time.monotonic() + _AWAKE_FOR_S
        self._rung.set()

    def __enter__(self) -> None:
        """A job runs. Another one may be waiting for its place."""
        self._busy += 1

    def __exit__(self, *_: object) -> None:
        self._busy -= 1
        self.ring()

    def set(self) -> None:
        """Stops the thread."""
        super().set()
        self._rung.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Until the next look, `timeout` seconds at the most; whether the thread is to end."""
        awake = self._busy or time.monotonic() < self._awake_until_s
        self._rung.wait(_AWAKE_EVERY_S if awake else timeout)
        self._rung.clear()
        return self.is_set()
