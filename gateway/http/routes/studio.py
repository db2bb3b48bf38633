"""The studio: the page for people at /, built from gateway/studio into files that come with Vigent."""

from __future__ import annotations

import asyncio
from pathlib import Path

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import FileResponse
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from gateway.http.files import IMMUTABLE, REVALIDATE

_DIST = Path(__file__).parents[2] / "studio" / "dist"
_FILES = "/studio"
_PAGES = (
    "/",
    "/works",
    "/works/{job_id}",
    "/works/{job_id}/compare",
    "/works/{job_id}/compare/{other_id}",
    "/batch",
    "/publish",
    "/publish/{job_id}",
    "/library",
    "/library/{kind}",
    "/mesh",
)
"""Addresses of the page, whose script shows what belongs to each."""

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "media-src 'self' blob:",
        "font-src 'self'",
        "connect-src 'self' blob:",  # a voice that was fetched is measured before it is heard
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(self)",  # a voice is recorded in the library
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": REVALIDATE,
}


class _HashedFiles(StaticFiles):
    """Files whose names carry a hash of their content, so that they never change."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = IMMUTABLE
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def mount_studio(app: FastAPI) -> None:
    """Adds the page under each of its addresses, and its files."""
    router = APIRouter(include_in_schema=False)
    for path in _PAGES:
        router.add_api_route(path, _page, methods=["GET", "HEAD"])
    router.add_api_route("/favicon.svg", _icon, methods=["GET", "HEAD"])
    app.include_router(router)
    app.mount(_FILES, _HashedFiles(directory=_DIST / "studio", check_dir=False))


async def _page(request: Request) -> Response:
    """The same page for every address; its tag changes with its content."""
    response = await asyncio.to_thread(_file, "index.html")
    if request.headers.get("if-none-match") == response.headers["ETag"]:
        return Response(status_code=304, headers=dict(response.headers))
    return response


async def _icon() -> Response:
    return FileResponse(_DIST / "favicon.svg", headers=_HEADERS)


def _file(name: str) -> FileResponse:
    path = _DIST / name
    return FileResponse(path, headers=_HEADERS, stat_result=path.stat())
