"""Poison requests: one that was there when two workers died gets no third, for ten minutes."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict

from services.base.errors import FailedPreconditionError

_DEATH_LIMIT = 2
_PERIOD_S = 600.0
_REMEMBERED_KEYS = 1024


class Quarantine:
    """Remembers worker deaths by request key, for the latest 1,024 keys."""

    def __init__(self) -> None:
        self._deaths_s: OrderedDict[str, list[float]] = OrderedDict()

    def check(self, key: str) -> None:
        """Raises FailedPreconditionError (reason POISON_REQUEST) when the request has killed two workers of late."""
        recent = [death_s for death_s in self._deaths_s.get(key, ()) if time.monotonic() - death_s < _PERIOD_S]
        if len(recent) >= _DEATH_LIMIT:
            raise FailedPreconditionError(
                f"This request was running when {_DEATH_LIMIT} workers died; it is not tried again here for now.",
                f"Change the request, or try again in {_PERIOD_S / 60:g} minutes.",
                reason="POISON_REQUEST",
            )

    def worker_died(self, key: str) -> None:
        """Notes that a worker died while it worked on the request."""
        self._deaths_s[key] = [*self._deaths_s.pop(key, []), time.monotonic()][-_DEATH_LIMIT:]
        while len(self._deaths_s) > _REMEMBERED_KEYS:
            self._deaths_s.popitem(last=False)

    def finished(self, key: str) -> None:
        """Notes that the request ended without harm."""
        self._deaths_s.pop(key, None)


def request_key(method: str, request: object) -> str:
    """Names a request by its content; requests are dataclasses, whose `repr` says all of it."""
    return hashlib.sha256(repr((method, request)).encode()).hexdigest()
