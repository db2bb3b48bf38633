"""Files over HTTP: ranges, entity tags that are content hashes, and caching that never lies."""

from __future__ import annotations

import os
import re
from pathlib import Path

from fastapi import Request
from fastapi.responses import FileResponse, Response
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from services.base.errors import NotFoundError

IMMUTABLE = "public, max-age=31536000, immutable"
REVALIDATE = "no-cache"  # keep it, but ask each time whether it is still the same

_RANGE = re.compile(r"(?P<first>\d{1,18})-(?P<last>\d{0,18})|-\d{1,18}", re.ASCII)

# Uploads are shown or played, never run as a page of this origin. When a film, sound or picture is opened by its
# address, the browser wraps it in a page of its own, which loads and styles the file but runs nothing in it.
_SANDBOX = "default-src 'none'; sandbox"
_PLAYER = "default-src 'none'; media-src 'self'; img-src 'self'; style-src 'unsafe-inline'"
_PLAYED = re.compile(r"(video|audio)/[\w.-]+|image/(png|jpeg|webp|avif|gif|heic)", re.ASCII)  # an SVG is a page


def file_response(
    request: Request,
    path: Path,
    *,
    etag: str,
    media_type: str,
    caching: str = REVALIDATE,
    file_name: str | None = None,
    attachment: bool = False,
) -> Response:
    """The file, a range of it, or 304 when the client has it. `etag` is a hash of the content.

    It is sent whole even if it is removed meanwhile. Raises NotFoundError if it is already gone, and HTTPException
    (412) if the client's If-Match names other content.
    """
    tag = f'"{etag}"'
    check_if_match(request, tag)
    headers = {**safety(media_type), "ETag": tag, "Cache-Control": caching}
    if _has_it(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    return _RangedFile(path, headers, media_type, file_name, "attachment" if attachment else "inline")


def check_if_match(request: Request, tag: str) -> None:
    """Raises HTTPException (412) if the request is meant for content with another entity tag than `tag`.

    Weak tags never match, as they do not promise the same bytes (RFC 9110, 13.1.1).
    """
    wanted = request.headers.get("if-match")
    if wanted is not None and {tag, "*"}.isdisjoint(part.strip() for part in wanted.split(",")):
        raise HTTPException(412, "The file is no longer the one that If-Match names", {"ETag": tag})


def safety(media_type: str) -> dict[str, str]:
    """Headers that let a browser play or show what strangers may have made, but run none of it."""
    policy = _PLAYER if _PLAYED.fullmatch(media_type) else _SANDBOX
    return {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": policy}


class _RangedFile(FileResponse):
    """Ignores ranges that are malformed or in other units (RFC 9110, 14.2); the base class answers 400.

    Opens the file at once; the base class does so on sending, when a longer preview may have replaced it.
    """

    def __init__(
        self, path: Path, headers: dict[str, str], media_type: str, file_name: str | None, disposition: str
    ) -> None:
        try:
            self._file = path.open("rb")
        except FileNotFoundError as error:
            raise NotFoundError("The file has just been removed.", "Fetch the current one.") from error
        handle = self._file.fileno()
        super().__init__(
            f"/dev/fd/{handle}",
            headers=headers,
            media_type=media_type,
            filename=file_name,
            stat_result=os.fstat(handle),
            content_disposition_type=disposition,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _is_range(Headers(scope=scope).get("range", "")):
            scope = {**scope, "headers": [header for header in scope["headers"] if header[0] != b"range"]}
        with self._file:
            await super().__call__(scope, receive, send)


def _is_range(text: str) -> bool:
    unit, _, parts = text.partition("=")
    found = [_RANGE.fullmatch(part.strip()) for part in parts.split(",")]
    return unit.strip().lower() == "bytes" and all(
        part is not None and (not part["last"] or not part["first"] or int(part["first"]) <= int(part["last"]))
        for part in found
    )


def _has_it(if_none_match: str, tag: str) -> bool:
    known = {part.strip().removeprefix("W/") for part in if_none_match.split(",")}
    return bool(if_none_match) and (tag in known or "*" in known)
