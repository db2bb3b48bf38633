"""Where traces begin: each request that may make something, and whatever a client traces itself, is a span."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from services.base.tracing.spans import TRACEPARENT, continued, span

_MAKING = frozenset({"POST", "PUT", "PATCH", "DELETE"})  # the others only look, many times a minute
_KNOWN = _MAKING | {"GET", "HEAD"}


class TraceRequests:
    """ASGI middleware: the span of a request, below that of a client which sends a W3C traceparent."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on within its span, which is told the template of its path."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in _KNOWN else "other"
        parent, root = Headers(scope=scope).get(TRACEPARENT), method in _MAKING
        with continued(parent), span(f"HTTP {method}", root=root, kind="server") as request:
            await self._app(scope, receive, send)
            request.end(route=getattr(scope.get("route"), "path", "other"))
