"""Bounds concurrent requests, counts streams apart from the rest, and always answers probes."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.access.callers import Caller
from gateway.access.keys import Key
from gateway.http.guard import MACHINE_PATHS
from gateway.http.metrics import GatewayMetrics
from gateway.http.problems import problem_response
from services.base.errors import ExhaustedError, UnavailableError

_RETRY_AFTER_S = 2.0
_FILES = re.compile(r"/api/v1/jobs/[^/]+/.+|/assets/.+")  # events, outputs, and what the library shows
_SPEECH = "/v1/audio/speech"


@dataclass
class _Places:
    reason: str
    problem: str
    limit: int
    taken: int = 0
    by_key: Counter[str] = field(default_factory=Counter)
    weights: dict[str, int] = field(default_factory=dict)

    def share(self, key: Key) -> int:
        """How many `key` may have: its weight's part among the keys that have some, and one more that may come."""
        others = sum(weight for name, weight in self.weights.items() if name != key.id)
        return max(self.limit * key.weight // (others + key.weight + 1), 1)

    def note(self, key: Key | None, change: int) -> None:
        """Counts a place that was taken, 1, or given back, -1."""
        self.taken += change
        if key is None:
            return
        self.by_key[key.id] += change
        self.weights[key.id] = key.weight
        if not self.by_key[key.id]:
            del self.by_key[key.id], self.weights[key.id]


class Admission:
    """Places for requests: of `connections`, half for streams and downloads, a quarter for all else.

    The last quarter is for connections that only wait, so that a new one always finds one that can make room. No key
    has more of either than its share, so that none keeps the others out.
    """

    def __init__(self, connections: int, metrics: GatewayMetrics) -> None:
        self._metrics = metrics
        self._streams = _Places("STREAMS_FULL", "Too many streams and downloads are under way.", connections // 2)
        self._requests = _Places("REQUESTS_FULL", "Too many requests are under way.", max(connections // 4, 1))
        self.draining = False

    @property
    def busy(self) -> bool:
        """Whether a request other than a probe is being answered."""
        return bool(self._streams.taken or self._requests.taken)

    def take(self, method: str, path: str, key: Key | None = None) -> _Places:
        """Takes a place, which the caller must give back with `note`.

        Raises UnavailableError when there is none, ExhaustedError (SHARE_USED) when the key has its share.
        """
        if self.draining:
            self._metrics.refused("draining")
            raise draining()
        streams = path == _SPEECH or (method in {"GET", "HEAD"} and _FILES.fullmatch(path))
        places = self._streams if streams else self._requests
        if places.taken >= places.limit:
            self._metrics.refused(places.reason.lower())
            remedy = "Try again soon, or raise VIGENT_GATEWAY_CONNECTIONS."
            raise UnavailableError(places.problem, remedy, reason=places.reason, retry_after_s=_RETRY_AFTER_S)
        if key is not None and places.by_key[key.id] >= places.share(key):
            self._metrics.refused("share_used")
            problem = f"The key {key.name!r} has {places.by_key[key.id]} requests under way, which is its share."
            raise ExhaustedError(problem, "Wait for some to end.", reason="SHARE_USED", retry_after_s=_RETRY_AFTER_S)
        places.note(key, 1)
        return places


def draining() -> UnavailableError:
    """The error for requests that arrive while the gateway shuts down."""
    return UnavailableError(
        "The gateway is shutting down.", "Try again soon.", reason="DRAINING", retry_after_s=_RETRY_AFTER_S
    )


class Admit:
    """ASGI middleware: answers 503 when there is no place for a request. Probes need no place."""

    def __init__(self, app: ASGIApp, admission: Admission) -> None:
        self._app, self._admission = app, admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Holds a place until the response has ended."""
        if scope["type"] != "http" or scope["path"].startswith(MACHINE_PATHS):
            await self._app(scope, receive, send)
            return
        caller: Caller | None = scope.get("state", {}).get("caller")
        key = caller.key if caller is not None else None
        try:
            places = self._admission.take(scope["method"], scope["path"], key)
        except (UnavailableError, ExhaustedError) as error:
            await problem_response(Request(scope), error)(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        finally:
            places.note(key, -1)
