"""The gateway's own Prometheus metrics: its requests, and its view of the services when scraped."""

from __future__ import annotations

import gzip
import time
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.exposition import choose_encoder, gzip_accepted
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.http.replicas import ServiceState
from services.base.tracing.spans import present

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_SERVICE = "gateway"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

UNREADABLE = "other other"
"""Verb and path for what cannot be read as HTTP."""

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for every counter, which nobody reads


class GatewayMetrics:
    """The metrics of one gateway, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "vigent_requests", "Requests by HTTP status.", ("service", "method", "code"), registry=self.registry
        )
        self._request_s = Histogram(
            "vigent_request_seconds",
            "Time from a request to the end of its response.",
            ("service", "method"),
            registry=self.registry,
            buckets=_SECONDS,
        )
        self._refused = Counter(
            "vigent_admission_refused",
            "Requests refused for lack of room, and connections closed to make room.",
            ("service", "reason"),
            registry=self.registry,
        )
        self._probe = Gauge(
            "vigent_probe_success", "Whether a service can be used.", ("service",), registry=self.registry
        )

    def request_ended(self, method: str, code: int, seconds: float) -> None:
        """Counts a request; `method` is verb and path template, so ids never become labels."""
        self._requests.labels(_SERVICE, method, str(code)).inc()
        self._request_s.labels(_SERVICE, method).observe(seconds, present().ids or None)

    def refused(self, reason: str) -> None:
        """Counts a refusal; `reason` is one of a few words, never what was asked."""
        self._refused.labels(_SERVICE, reason).inc()

    def page(
        self, services: Sequence[ServiceState], accept: str = "", accept_encoding: str = ""
    ) -> tuple[bytes, dict[str, str]]:
        """The body and headers for a scrape, in the format and encoding that the scraper accepts."""
        for state in services:
            self._probe.labels(state.name).set(state.ok)
        encode, content_type = choose_encoder(accept)
        page, headers = encode(self.registry), {"Content-Type": content_type, "Vary": "Accept, Accept-Encoding"}
        if gzip_accepted(accept_encoding):
            return gzip.compress(page), {**headers, "Content-Encoding": "gzip"}
        return page, headers


class CountRequests:
    """ASGI middleware that counts every request."""

    def __init__(self, app: ASGIApp, metrics: GatewayMetrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Notes the status that is sent; a response that never began counts as 500."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        code, started_s = 500, time.monotonic()

        async def noting(message: Message) -> None:
            nonlocal code
            if message["type"] == "http.response.start":
                code = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            self._metrics.request_ended(_template(scope), code, time.monotonic() - started_s)


def _template(scope: Scope) -> str:
    """Verb and path template; whatever a client made up becomes one word, as each would be a series for ever."""
    path = getattr(scope.get("route"), "path", None) or "other"
    method = scope["method"] if scope["method"] in _METHODS else "other"
    return f"{method} {path}"
