"""How often a worker may die: five times in ten minutes, and not twice without having finished a unit."""

from __future__ import annotations

import time
from collections import deque

_PERIOD_S = 600.0
_FRUITLESS_LIMIT = 2
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0


class Restarts:
    """Counts deaths. The first limit keeps a crash loop from burning the machine; the second asks for a new pod."""

    def __init__(self, limit: int) -> None:
        """`limit` restarts in ten minutes."""
        self._limit = limit
        self._deaths_s: deque[float] = deque()
        self._fruitless = 0

    def died(self) -> None:
        """Notes an unplanned death."""
        self._deaths_s.append(time.monotonic())
        self._fruitless += 1

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
        if self._fruitless < _FRUITLESS_LIMIT:
            return 0.0
        return min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** (self._fruitless - _FRUITLESS_LIMIT))

    @property
    def allowed(self) -> bool:
        """Whether another worker may be started now."""
        while self._deaths_s and time.monotonic() - self._deaths_s[0] > _PERIOD_S:
            self._deaths_s.popleft()
        return len(self._deaths_s) <= self._limit
