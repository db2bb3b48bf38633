"""Refuses requests before any work: foreign web pages (DNS rebinding, cross-site requests) and bodies too large."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.access.callers import host_name
from gateway.http.problems import http_problem, problem_response
from services.base.errors import InvalidInputError

# Requested by IP address by kubelet and Prometheus; they reveal nothing about users.
MACHINE_PATHS = ("/livez", "/readyz", "/metrics", "/probe/")


class SameSiteGuard:
    """ASGI middleware: only the hosts in `allowed_hosts` ("*": any), and only pages that the same host served."""

    def __init__(self, app: ASGIApp, allowed_hosts: Sequence[str]) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers 403 to requests that must not be passed on."""
        if scope["type"] == "http" and (error := self._objection(scope["path"], Headers(scope=scope))) is not None:
            await problem_response(Request(scope), error, 403)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _objection(self, path: str, headers: Headers) -> InvalidInputError | None:
        if path.startswith(MACHINE_PATHS):
            return None
        host, origin = headers.get("host", ""), headers.get("origin")
        if "*" not in self._hosts and host_name(host) not in self._hosts:
            remedy = "Use localhost, or add the name to VIGENT_GATEWAY_ALLOWED_HOSTS."
            return InvalidInputError(
                f"This gateway does not answer to the host name {host[:100]!r}.", remedy, "Host", "FOREIGN_HOST"
            )
        if (origin is not None and _place(origin) != host) or _is_embedded_elsewhere(headers):
            remedy = "Open the page from this gateway's own address."
            page = f"Pages from {origin[:100]!r}" if origin else "Other pages"
            return InvalidInputError(f"{page} may not use this gateway.", remedy, "Origin", "FOREIGN_ORIGIN")
        return None


def _is_embedded_elsewhere(headers: Headers) -> bool:
    """Whether a page of another origin shows or loads this, for which browsers send no Origin; a link to it is none."""
    if headers.get("sec-fetch-site") not in {"cross-site", "same-site"}:
        return False
    return headers.get("sec-fetch-mode") != "navigate" or headers.get("sec-fetch-dest") != "document"


@dataclass(frozen=True)
class BodyPatience:
    """How long to wait for a body: `timeout_s`, plus a second for each `rate_bytes_per_s` bytes received."""

    timeout_s: float
    rate_bytes_per_s: float

    def left_s(self, received_bytes: int, waited_s: float) -> float:
        """Seconds that the next part may take."""
        return max(self.timeout_s + received_bytes / self.rate_bytes_per_s - waited_s, 0.0)


class BodyLimit:
    """ASGI middleware: 413 for bodies above `limit_bytes`, or above `upload_bytes` on the paths that take files.

    408 for bodies that arrive too slowly.
    """

    def __init__(
        self, app: ASGIApp, limit_bytes: int, upload_bytes: int, upload_paths: re.Pattern[str], patience: BodyPatience
    ) -> None:
        self._app, self._patience = app, patience
        self._limit_bytes, self._upload_bytes, self._upload_paths = limit_bytes, upload_bytes, upload_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuses by the announced length, counts bodies of unannounced length, and bounds the wait for each."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit_bytes = self._upload_bytes if self._upload_paths.fullmatch(scope["path"]) else self._limit_bytes
        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isdecimal() and int(announced) > limit_bytes:
            await http_problem(Request(scope), _too_large(limit_bytes))(scope, receive, send)
            return
        await self._app(scope, _counted(receive, limit_bytes, self._patience), send)


def _counted(receive: Receive, limit_bytes: int, patience: BodyPatience) -> Receive:
    received, waited_s, complete = 0, 0.0, False

    async def counting() -> Message:
        nonlocal received, waited_s, complete
        if complete:  # from now on we wait only for the end of the connection
            return await receive()
        asked_s = time.monotonic()
        try:
            message = await asyncio.wait_for(receive(), patience.left_s(received, waited_s))
        except TimeoutError:
            raise HTTPException(408, f"Only {received:,} bytes of the body arrived in time") from None
        waited_s += time.monotonic() - asked_s  # excludes our own processing time
        complete = not message.get("more_body", False)
        received += len(message.get("body", b""))
        if received > limit_bytes:
            raise _too_large(limit_bytes)
        return message

    return counting


def _too_large(limit_bytes: int) -> HTTPException:
    """Not one of our errors: while reading a body, FastAPI lets only its own exceptions through."""
    return HTTPException(413, f"The body is larger than the {limit_bytes:,} bytes that this path accepts")


def _place(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""
