"""Where traces begin: each request that may make something, and whatever a client traces itself, is a span."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from services.base.tracing.spans import TRACEPARENT, continued, span

_MAKING = frozenset({"POST", "PUT", "PATCH", "DELETE"})  # the others only look, many times a minute


class TraceRequests:
    """ASGI middleware: the span of a request, below that of a client which sends a W3C traceparent."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on within its span, which has the name that metrics have."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        making = scope["method"] in _MAKING
        name = f"HTTP {scope['method']}" if making else "HTTP GET"
        with continued(Headers(scope=scope).get(TRACEPARENT)), span(name, root=making, kind="server") as request:
            await self._app(scope, receive, send)
            request.end(route=getattr(scope.get("route"), "path", "other"))
