"""Files over HTTP: ranges, entity tags that are content hashes, and caching that never lies."""

from __future__ import annotations

from pathlib import Path

from fastapi import Request
from fastapi.responses import FileResponse, Response

IMMUTABLE = "public, max-age=31536000, immutable"
REVALIDATE = "no-cache"  # keep it, but ask each time whether it is still the same

# What users uploaded is shown or played, never run as a page of this origin.
_SAFE = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox"}


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
    """The file, a range of it, or 304 when the client has it. `etag` is a hash of the content."""
    tag = f'"{etag}"'
    headers = {**_SAFE, "ETag": tag, "Cache-Control": caching}
    if _has_it(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    disposition = "attachment" if attachment else "inline"
    return FileResponse(
        path, headers=headers, media_type=media_type, filename=file_name, content_disposition_type=disposition
    )


def _has_it(if_none_match: str, tag: str) -> bool:
    known = {part.strip().removeprefix("W/") for part in if_none_match.split(",")}
    return bool(if_none_match) and (tag in known or "*" in known)
