"""Refuses what a foreign web page could make a browser send: DNS rebinding (Host) and cross-site requests (Origin)."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.problems import problem_response
from services.runtime.errors import InvalidInputError

# Asked by address from kubelet and Prometheus; they tell nothing of users.
_MACHINE_PATHS = ("/livez", "/readyz", "/metrics", "/probe/")


class SameSiteGuard:
    """ASGI middleware: only the hosts in `allowed_hosts` ("*": any), and only pages that they served."""

    def __init__(self, app: ASGIApp, allowed_hosts: Sequence[str]) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers 403 instead of passing on what must not come in."""
        if scope["type"] == "http" and (error := self._objection(scope["path"], Headers(scope=scope))) is not None:
            await problem_response(Request(scope), error, 403)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _objection(self, path: str, headers: Headers) -> InvalidInputError | None:
        if "*" in self._hosts or path.startswith(_MACHINE_PATHS):
            return None
        host, origin = headers.get("host", ""), headers.get("origin")
        if _host_name(host) not in self._hosts:
            remedy = "Use localhost, or add the name to VIGENT_GATEWAY_ALLOWED_HOSTS."
            return InvalidInputError(f"This gateway does not answer as {host[:100]!r}.", remedy, "Host", "FOREIGN_HOST")
        if origin is not None and urlsplit(origin).netloc != host:
            remedy = "Open the page from this gateway's own address."
            return InvalidInputError(f"Pages of {origin[:100]!r} may not ask.", remedy, "Origin", "FOREIGN_ORIGIN")
        return None


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
