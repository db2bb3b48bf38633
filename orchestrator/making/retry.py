"""Trying again when a server is away or full: each piece of work on its own, so that nothing finished is done twice."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from services.base.client import retrying
from services.base.disk import DISK_FULL, STORE_AWAY
from services.base.errors import VigentError
from services.base.pauses import RetryBudgets
from services.base.tracing.spans import present

_LOG = logging.getLogger(__name__)

_T = TypeVar("_T")
_DISK = {DISK_FULL: "room on the disk", STORE_AWAY: "the media store"}


@dataclass(frozen=True)
class RetryPolicy:
    """How often a piece of work is tried: `attempts` times, and while servers are away or full for `outage_s` seconds.

    A disk that is full or away is waited for until it is mended.

    `waits` is called before each pause with the name of what is waited for; `budgets` are shared by all work of a
    process, and hold retries back that would be too many for their target.
    """

    attempts: int
    outage_s: float = 0.0
    waits: Callable[[str], None] | None = None
    budgets: RetryBudgets | None = None

    async def retried(self, work: Callable[[], Awaitable[_T]], whom: str) -> _T:
        """What `work` returns, tried with growing pauses while its error is retryable; the last error is raised.

        `whom` names what it needs for people to read, such as "a voice server at 127.0.0.1:8051".
        """
        budget = self.budgets.of(whom) if self.budgets is not None else None
        waits = partial(self._wait, whom)
        async for attempt in retrying(self.attempts, outage_s=self.outage_s, waits=waits, budget=budget):
            with attempt:
                return await work()
        raise AssertionError("unreachable: retrying raises the last error")

    def _wait(self, whom: str, error: VigentError) -> None:
        whom = _DISK.get(error.reason, whom)
        _LOG.warning("waiting for %s: %s", whom, error)
        present().event("retry", whom=whom, reason=error.reason)
        self.tell(whom)

    def tell(self, whom: str) -> None:
        """Tells whoever watches the work that `whom` is waited for."""
        if self.waits is not None:
            self.waits(whom)
