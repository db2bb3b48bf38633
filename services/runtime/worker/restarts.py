"""What follows from the deaths of workers: whether a new one is started, when, and which requests it is spared.

A worker may die five times in ten minutes, and not twice without having finished a unit. Beyond that the server is not
live, and rests until the first of those deaths is ten minutes ago. An engine that cannot be loaded is not a death: what
it lacks comes from outside, so loading is tried again for as long as it takes, at growing intervals.
"""

from __future__ import annotations

import hashlib
import signal
import time
from collections import OrderedDict, deque
from pathlib import Path

from services.base.errors import FailedPreconditionError
from services.base.pauses import doubled_s

_PERIOD_S = 600.0
_FRUITLESS_LIMIT = 2
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0
_LONGEST_RELOAD_PAUSE_S = 60.0
_POISON_LIMIT = 2
_REMEMBERED_KEYS = 1024
_FROM_OUTSIDE = {-number for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)}
_KERNEL_COUNTERS = Path("/proc/vmstat")


class Restarts:
    """Counts deaths. The first limit keeps a crash loop from burning the machine; the second asks for a new pod."""

    def __init__(self, limit: int, reload_pause_s: float, window_s: float = _PERIOD_S) -> None:
        """`limit` restarts in `window_s`; `reload_pause_s` is the pause after the first failed load."""
        self._limit, self._reload_pause_s, self._window_s = limit, reload_pause_s, window_s
        self._deaths_s: deque[float] = deque()
        self._fruitless = self._failed_loads = 0

    def died(self) -> None:
        """Records an unplanned death."""
        self._deaths_s.append(time.monotonic())
        self._fruitless += 1

    def load_failed(self) -> None:
        """Records that the engine cannot be loaded and said why."""
        self._failed_loads += 1

    def loaded(self) -> None:
        """Records that the engine is loaded."""
        self._failed_loads = 0

    def unit_finished(self) -> None:
        """Records that the present worker gets its work done."""
        self._fruitless = 0

    @property
    def fruitless(self) -> bool:
        """Whether two workers died without one finished unit: the fault is below us, in the device or the machine."""
        return self._fruitless >= _FRUITLESS_LIMIT

    @property
    def pause_s(self) -> float:
        """How long to wait before the next start: not at all after a first death, then longer each time."""
        if self._failed_loads:
            return doubled_s(self._reload_pause_s, self._failed_loads - 1, _LONGEST_RELOAD_PAUSE_S)
        if self._fruitless < _FRUITLESS_LIMIT:
            return 0.0
        return doubled_s(_FIRST_PAUSE_S, self._fruitless - _FRUITLESS_LIMIT, _LONGEST_PAUSE_S)

    @property
    def rest_s(self) -> float:
        """How long no worker may be started, because too many have died within the window; 0: one may now."""
        now_s = time.monotonic()
        while self._deaths_s and now_s - self._deaths_s[0] > self._window_s:
            self._deaths_s.popleft()
        if len(self._deaths_s) <= self._limit:
            return 0.0
        return self._deaths_s[len(self._deaths_s) - self._limit - 1] + self._window_s - now_s


class Quarantine:
    """Poison requests: one that was running when two workers died by themselves is refused for ten minutes.

    Remembers the deaths of the latest 1,024 request keys.
    """

    def __init__(self) -> None:
        self._deaths_s: OrderedDict[str, list[float]] = OrderedDict()

    def check(self, key: str) -> None:
        """Raises FailedPreconditionError (POISON_REQUEST) when two workers died of the request recently."""
        recent = [death_s for death_s in self._deaths_s.get(key, ()) if time.monotonic() - death_s < _PERIOD_S]
        if len(recent) >= _POISON_LIMIT:
            raise FailedPreconditionError(
                f"This request was running when {_POISON_LIMIT} workers died; it is not tried again here for now.",
                f"Change the request, or try again in {_PERIOD_S / 60:g} minutes.",
                reason="POISON_REQUEST",
            )

    def worker_died(self, key: str) -> None:
        """Records that a worker died by itself while it was working on the request."""
        self._deaths_s[key] = [*self._deaths_s.pop(key, []), time.monotonic()][-_POISON_LIMIT:]
        while len(self._deaths_s) > _REMEMBERED_KEYS:
            self._deaths_s.popitem(last=False)

    def finished(self, key: str) -> None:
        """Records that the request ended without killing its worker."""
        self._deaths_s.pop(key, None)


def died_by_itself(exit_code: int, oom_kills: int) -> bool:
    """Whether its request may be to blame: not where another process sent a signal. The kernel's own kill counts.

    `oom_kills`: how many processes the kernel has killed for want of memory while the worker lived.
    """
    return exit_code not in _FROM_OUTSIDE or (exit_code == -signal.SIGKILL and oom_kills > 0)


def oom_kills() -> int:
    """How many processes the kernel has killed for want of memory since it booted; 0 where it does not tell."""
    try:
        words = _KERNEL_COUNTERS.read_text(encoding="ascii").split()
        return int(words[words.index("oom_kill") + 1])
    except (OSError, ValueError):
        return 0


def request_key(method: str, request: object) -> str:
    """Names a request by its content; requests are dataclasses, whose `repr` contains all of it."""
    return hashlib.sha256(repr((method, request)).encode()).hexdigest()
