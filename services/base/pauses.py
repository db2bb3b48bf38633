"""Pauses between retries: doubled each time without ever giving up, and a turn in the budget of the target.

Each alone backs off; a hundred that back off are still a storm. A first call adds a part of a token to the bucket of
its target, a retry takes one, and where there is none, it waits its turn: tokens also come with time, slowly, so that
work which must not be lost goes on however long an outage lasts. In any time, then, retries <= `burst` + `share` of
the first calls + `rate_hz` times the time.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

_MOST_DOUBLINGS = 64  # a float overflows after 1,023, which one night of failures reaches


def doubled_s(first_s: float, doublings: int, longest_s: float) -> float:
    """`first_s` seconds, doubled `doublings` times, but never more than `longest_s`."""
    return min(longest_s, first_s * 2.0 ** min(doublings, _MOST_DOUBLINGS))


@dataclass(frozen=True)
class RetryShare:
    """How many retries are allowed: a `share` of the first calls, `rate_hz` beyond that, `burst` saved up at most."""

    share: float = 0.2
    rate_hz: float = 1.0
    burst: float = 10.0


class RetryBudget:
    """The bucket of one target. To be used on one thread."""

    def __init__(self, allowed: RetryShare, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds."""
        self._allowed, self._clock = allowed, clock
        self._tokens, self._filled_s = allowed.burst, clock()

    def called(self) -> None:
        """Notes a first call."""
        self._fill(self._allowed.share)

    def take_s(self) -> float:
        """Takes a token for a retry; returns how many seconds it has to wait for it, 0 if there was one.

        Tokens that are owed are given in the order in which they were asked for, so each waits once.
        """
        self._fill()
        self._tokens -= 1
        return max(0.0, -self._tokens / self._allowed.rate_hz)

    def _fill(self, tokens: float = 0.0) -> None:
        now_s = self._clock()
        tokens += (now_s - self._filled_s) * self._allowed.rate_hz
        self._tokens, self._filled_s = min(self._allowed.burst, self._tokens + tokens), now_s


class RetryBudgets:
    """The buckets of all targets of a process, by name; there are as many as its settings name."""

    def __init__(self, allowed: RetryShare) -> None:
        self._budgets: defaultdict[str, RetryBudget] = defaultdict(lambda: RetryBudget(allowed))

    def of(self, target: str) -> RetryBudget:
        """The bucket of `target`."""
        return self._budgets[target]
