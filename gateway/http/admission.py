"""Bounds concurrent requests, counts streams apart from the rest, and always answers probes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.http.guard import MACHINE_PATHS
from gateway.http.metrics import GatewayMetrics
from gateway.http.problems import problem_response
from services.base.errors import UnavailableError

_RETRY_AFTER_S = 2.0
_FILES = re.compile(r"/api/v1/jobs/[^/]+/.+|/assets/.+")  # events, outputs, and what the library shows
_SPEECH = "/v1/audio/speech"


@dataclass
class _Places:
    reason: str
    problem: str
    limit: int
    taken: int = 0


class Admission:
    """Places for requests: of `connections`, half for streams and downloads, a quarter for all else.

    The last quarter is for connections that only wait, so that a new one always finds one that can make room.
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

    def take(self, method: str, path: str) -> _Places:
        """Takes a place, which the caller must give back. Raises UnavailableError when there is none."""
        if self.draining:
            self._metrics.refused("draining")
            raise draining()
        streams = path == _SPEECH or (method in {"GET", "HEAD"} and _FILES.fullmatch(path))
        places = self._streams if streams else self._requests
        if places.taken >= places.limit:
            self._metrics.refused(places.reason.lower())
            remedy = "Try again soon, or raise VIGENT_GATEWAY_CONNECTIONS."
            raise UnavailableError(places.problem, remedy, reason=places.reason, retry_after_s=_RETRY_AFTER_S)
        places.taken += 1
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
        try:
            places = self._admission.take(scope["method"], scope["path"])
        except UnavailableError as error:
            await problem_response(Request(scope), error)(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        finally:
            places.taken -= 1
