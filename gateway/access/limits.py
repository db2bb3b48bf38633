"""How often a key may ask: a bucket of a minute's requests for each, which fills evenly."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from gateway.access.keys import Key
from services.base.errors import ExhaustedError

_MINUTE_S = 60.0


@dataclass
class _Bucket:
    left: float
    seen_s: float


class Limits:
    """The buckets of all keys: as many as there are keys with a limit."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._buckets: dict[str, _Bucket] = {}

    def take(self, key: Key) -> None:
        """Counts a request. Raises ExhaustedError when the key has used up its minute."""
        most = key.requests_per_minute
        if most is None:
            self._buckets.pop(key.id, None)
            return
        now_s = self._now_s()
        bucket = self._buckets.setdefault(key.id, _Bucket(most, now_s))
        rate = most / _MINUTE_S
        bucket.left = min(bucket.left + (now_s - bucket.seen_s) * rate, most)
        bucket.seen_s = now_s
        if bucket.left < 1:
            problem = f"The key {key.name!r} may make {most} requests in a minute."
            wait_s = (1 - bucket.left) / rate
            raise ExhaustedError(problem, "Ask less often.", reason="RATE_LIMITED", retry_after_s=wait_s)
        bucket.left -= 1
