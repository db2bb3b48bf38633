"""Static files: library entries under their content hash, immutable, and the bundled folder as it is."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Annotated, get_args

from fastapi import APIRouter, Request, Response
from fastapi import Path as PathParameter
from starlette.staticfiles import StaticFiles

from gateway.http.context import Gateway, GatewayDep
from gateway.http.files import IMMUTABLE, REVALIDATE, check_if_match, file_response
from gateway.http.problems import PROBLEM_RESPONSES
from gateway.library.assets import Kind
from services.base.errors import NotFoundError

router = APIRouter(prefix="/assets", tags=["library"], responses=PROBLEM_RESPONSES)

_POSTERS = "posters"
_HASHED = re.compile(r"([0-9a-f]{64})\.[a-z0-9]{2,5}")


@router.head("/{kind}/{name}", include_in_schema=False)
@router.get("/{kind}/{name}", summary="Fetch a library file", response_class=Response)
async def library_file(
    kind: str,
    name: Annotated[str, PathParameter(description="SHA-256 and suffix, as in an entry's `url`.")],
    request: Request,
    gateway: GatewayDep,
) -> Response:
    """The file of a library entry. It never changes, so caches may keep it. Accepts ranges."""
    if (hashed := _HASHED.fullmatch(name)) is None:
        return await _bundled(gateway, f"{kind}/{name}", request)
    path, media_type = await asyncio.to_thread(_find, gateway, kind, hashed[1])
    return file_response(request, path, etag=hashed[1], media_type=media_type, caching=IMMUTABLE)


@router.head("/{path:path}", include_in_schema=False)
@router.get("/{path:path}", include_in_schema=False)
async def bundled_file(path: str, request: Request, gateway: GatewayDep) -> Response:
    """A file of the bundled folder under its own name."""
    return await _bundled(gateway, path, request)


async def _bundled(gateway: Gateway, path: str, request: Request) -> Response:
    response = await StaticFiles(directory=gateway.settings.assets_root).get_response(path, request.scope)
    check_if_match(request, response.headers["ETag"])
    response.headers["Cache-Control"] = REVALIDATE
    return response


def _find(gateway: Gateway, kind: str, sha256: str) -> tuple[Path, str]:
    if kind == _POSTERS:
        return gateway.library.poster(sha256), "image/jpeg"
    if kind not in get_args(Kind):
        raise NotFoundError(f"There is no library {kind[:40]!r}.", "See /docs for the libraries.")
    library: Kind = kind  # type: ignore[assignment]
    return gateway.library.file(library, sha256)
