"""Poison requests: one that was there when two workers died gets no third."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

from services.runtime.errors import FailedPreconditionError

_DEATH_LIMIT = 2
_REMEMBERED_KEYS = 1024


class Quarantine:
    """Counts worker deaths by request key, for the latest 1,024 keys."""

    def __init__(self) -> None:
        self._deaths: OrderedDict[str, int] = OrderedDict()

    def check(self, key: str) -> None:
        """Raises FailedPreconditionError (reason POISON_REQUEST) when the request has killed two workers."""
        if self._deaths.get(key, 0) >= _DEATH_LIMIT:
            raise FailedPreconditionError(
                f"This request was running when {_DEATH_LIMIT} workers died; it is not tried again here.",
                "Change the request, or restart the server to have it tried again.",
                reason="POISON_REQUEST",
            )

    def worker_died(self, key: str) -> None:
        """Notes that a worker died while it worked on the request."""
        self._deaths[key] = self._deaths.pop(key, 0) + 1
        while len(self._deaths) > _REMEMBERED_KEYS:
            self._deaths.popitem(last=False)

    def finished(self, key: str) -> None:
        """Notes that the request ended without harm."""
        self._deaths.pop(key, None)


def request_key(method: str, request: object) -> str:
    """Names a request by its content; requests are dataclasses, whose `repr` says all of it."""
    return hashlib.sha256(repr((method, request)).encode()).hexdigest()
