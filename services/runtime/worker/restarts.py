"""How often a worker may die: five times in ten minutes, and not twice without having finished a unit.

An engine that cannot be loaded is no death: what it lacks comes from outside, so it is tried again for as long as it
takes, ever more rarely.
"""

from __future__ import annotations

import time
from collections import deque

_PERIOD_S = 600.0
_FRUITLESS_LIMIT = 2
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0
_LONGEST_RELOAD_PAUSE_S = 60.0


class Restarts:
    """Counts deaths. The first limit keeps a crash loop from burning the machine; the second asks for a new pod."""

    def __init__(self, limit: int, reload_pause_s: float) -> None:
        """`limit` restarts in ten minutes; `reload_pause_s` is the pause after a load has failed for the first time."""
        self._limit, self._reload_pause_s = limit, reload_pause_s
        self._deaths_s: deque[float] = deque()
        self._fruitless = self._failed_loads = 0

    def died(self) -> None:
        """Notes an unplanned death."""
        self._deaths_s.append(time.monotonic())
        self._fruitless += 1

    def load_failed(self) -> None:
        """Notes that the engine said why it cannot be loaded."""
        self._failed_loads += 1

    def loaded(self) -> None:
        """Notes that the engine is loaded."""
        self._failed_loads = 0

    def unit_finished(self) -> None:
        """Notes that the present worker does its work."""
        self._fruitless = 0

    @property
    def fruitless(self) -> bool:
        """Whether two workers died without one finished unit: the fault is below us, in the device or the machine."""
        return self._fruitless >= _FRUITLESS_LIMIT

    @property
    def pause_s(self) -> float:
        """How long to wait before the next start: nothing after a first death, then longer each time."""
        if self._failed_loads:
            return min(_LONGEST_RELOAD_PAUSE_S, self._reload_pause_s * 2.0 ** (self._failed_loads - 1))
        if self._fruitless < _FRUITLESS_LIMIT:
            return 0.0
        return min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** (self._fruitless - _FRUITLESS_LIMIT))

    @property
    def allowed(self) -> bool:
        """Whether another worker may be started now."""
        while self._deaths_s and time.monotonic() - self._deaths_s[0] > _PERIOD_S:
            self._deaths_s.popleft()
        return len(self._deaths_s) <= self._limit
