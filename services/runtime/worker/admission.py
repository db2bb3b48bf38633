"""Admission: `slots` calls run, up to `queue_limit` wait, and any more are refused at once, with a retry hint.

So is a call whose deadline would pass before it could be done, even if it went as fast as the fastest lately.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass

from services.base.errors import DeadlineExceededError, ExhaustedError, VigentError

_RETRY_AFTER_S = (0.5, 60.0)
_LATEST_CALL_WEIGHT = 0.2
_REMEMBERED_CALLS, _LEAST_CALLS = 64, 8
"""How many calls of a method an estimate rests on; with fewer than the least it says nothing."""


@dataclass(frozen=True)
class Slot:
    """Permission to run: slot `number`, 1-based; `queue_position` is how many calls were waiting ahead of this one."""

    number: int
    queue_position: int
    taken_s: float
    method: str = ""


class Admission:
    """Hands out slots in order of arrival. To be used on the event loop only."""

    def __init__(self, slots: int, queue_limit: int, refused: Callable[[str], None] = lambda _: None) -> None:
        """`refused(reason)` is called for every call that got no slot."""
        self._free = deque(range(1, slots + 1))
        self._slots, self._queue_limit, self._refused = slots, queue_limit, refused
        self._waiting: deque[asyncio.Future[int]] = deque()
        self._typical_call_s = 1.0
        self._calls_s: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=_REMEMBERED_CALLS))

    @property
    def queue_depth(self) -> int:
        """How many calls are waiting."""
        return len(self._waiting)

    async def acquire(self, method: str = "", time_left_s: float | None = None) -> Slot:
        """Waits for a slot for a call of `method` whose deadline is in `time_left_s`; None: it has none.

        Raises ExhaustedError when the queue is full, DeadlineExceededError (DEADLINE_TOO_SHORT) when the time left is
        less than the estimate, and the error with which it is sent back. A cancelled caller gives up its place.
        """
        self._refuse_hopeless(method, time_left_s)
        position = len(self._waiting)
        if self._free and not self._waiting:
            return Slot(self._free.popleft(), 0, time.monotonic(), method)
        if position >= self._queue_limit:
            self._refused("queue_full")
            raise ExhaustedError(
                f"All {self._slots} slots work and {position} calls wait.",
                "Try again later or on another replica.",
                reason="QUEUE_FULL",
                retry_after_s=self._retry_after_s(position),
            )
        return Slot(await self._wait(), position, time.monotonic(), method)

    def release(self, slot: Slot) -> None:
        """Gives the slot to the next call in line."""
        call_s = time.monotonic() - slot.taken_s
        self._typical_call_s += _LATEST_CALL_WEIGHT * (call_s - self._typical_call_s)
        self._calls_s[slot.method].append(call_s)
        self._hand_on(slot.number)

    def send_back(self, error: Callable[[], VigentError]) -> None:
        """Ends every wait with an error of its own, so that callers can go elsewhere."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                self._refused("unavailable")
                turn.set_exception(error())

    def estimate_s(self, method: str) -> float:
        """The least time that a call of `method` may take from now on: what is ahead of it, and the fastest lately."""
        calls_s = self._calls_s[method]
        own_s = min(calls_s) if len(calls_s) >= _LEAST_CALLS else 0.0
        return len(self._waiting) // self._slots * own_s + own_s

    def _refuse_hopeless(self, method: str, time_left_s: float | None) -> None:
        estimate_s = self.estimate_s(method)
        if time_left_s is not None and time_left_s < estimate_s:
            self._refused("deadline")
            problem = (
                f"The call would take {estimate_s:.1f} s at the least, and its deadline is in {time_left_s:.1f} s."
            )
            raise DeadlineExceededError(problem, "Allow more time, or send less.", reason="DEADLINE_TOO_SHORT")

    async def _wait(self) -> int:
        turn: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            self._refused("caller_left")
            with contextlib.suppress(ValueError):
                self._waiting.remove(turn)
            if turn.done() and not turn.cancelled():  # it was given a slot just as it was leaving
                self._hand_on(turn.result())
            raise

    def _hand_on(self, number: int) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(number)
                return
        self._free.append(number)

    def _retry_after_s(self, position: int) -> float:
        least, most = _RETRY_AFTER_S
        return min(most, max(least, self._typical_call_s * (position + 1) / self._slots))
