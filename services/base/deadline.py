"""The deadline of the call that this task answers, for whatever waits on the caller's behalf."""

from __future__ import annotations

import time
from contextvars import ContextVar

_DEADLINE_S: ContextVar[float | None] = ContextVar("deadline", default=None)


def set_time_left_s(seconds: float | None) -> None:
    """Notes how long the caller will wait; None: without end. Holds for this task and the threads that it starts."""
    _DEADLINE_S.set(None if seconds is None else time.monotonic() + seconds)


def time_left_s() -> float | None:
    """Seconds until the caller gives up; negative when it has; None where there is no deadline."""
    deadline_s = _DEADLINE_S.get()
    return None if deadline_s is None else deadline_s - time.monotonic()
