"""When a process of the mesh counts as dead, and how long to wait before it is started again."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

from services.base.pauses import doubled_s

_REMEMBERED = 32  # failures; far beyond the longest pause


@dataclass(frozen=True)
class WatchdogPolicy:
    """When a process is restarted, and how soon.

    More than `restarts` failures within `window_s` of running time are a crash loop: the cause may pass, so restarts go
    on, each pause twice as long as the one before, up to `longest_pause_s`. `stop_grace_s` is the time a process gets
    to end beyond its own drain. One that is not `watched` is restarted only when it has ended by itself; one whose
    processes hold more than `memory_bytes` of memory (0: no limit) ends its calls and is restarted.
    """

    interval_s: float = 5.0
    timeout_s: float = 3.0
    misses: int = 3
    start_up_s: float = 120.0
    first_pause_s: float = 0.5
    longest_pause_s: float = 300.0
    restarts: int = 5
    window_s: float = 600.0
    stop_grace_s: float = 10.0
    watched: bool = True
    memory_bytes: int = 0

    def pause_s(self, failures: int) -> float:
        """How long to wait after this many failures, 1 or more."""
        return doubled_s(self.first_pause_s, failures - 1, self.longest_pause_s)


ONE_TRY = WatchdogPolicy(restarts=0)
"""For a process that is needed for a moment: a single failure is an error."""


class Failures:
    """Counts how often one process has failed lately. Pauses are not counted as time: they would hide a crash loop."""

    def __init__(self, policy: WatchdogPolicy) -> None:
        self._policy = policy
        self._ran_s = self._started_s = 0.0
        self._moments_s: deque[float] = deque(maxlen=_REMEMBERED)

    def started(self) -> None:
        """Notes the beginning of a life."""
        self._started_s = time.monotonic()

    def failed(self) -> None:
        """Notes its end."""
        self._ran_s += time.monotonic() - self._started_s
        self._moments_s.append(self._ran_s)
        while self._ran_s - self._moments_s[0] > self._policy.window_s:
            self._moments_s.popleft()

    @property
    def looping(self) -> bool:
        """Whether it failed more often than it may."""
        return len(self._moments_s) > self._policy.restarts

    @property
    def pause_s(self) -> float:
        """How long to wait before the next start."""
        return self._policy.pause_s(len(self._moments_s))
