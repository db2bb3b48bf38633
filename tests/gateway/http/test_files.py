"""Files that go while they are asked for: previews do, as soon as there is a longer one."""

from pathlib import Path

import httpx
import pytest
from fastapi import Request, Response

from gateway.http.files import file_response
from services.base.errors import NotFoundError

CONTENT = bytes(range(256)) * 1000


def client(path: Path) -> httpx.AsyncClient:
    """Of an application that removes the file between looking for it and sending it."""

    def answered(scope) -> Response:
        response = file_response(Request(scope), path, etag="preview", media_type="video/mp4")
        path.unlink()
        return response

    async def application(scope, receive, send) -> None:
        await answered(scope)(scope, receive, send)

    return httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://gateway")


@pytest.mark.parametrize(
    ("asked", "status", "content"),
    [
        ({}, 200, CONTENT),
        ({"Range": "bytes=1000-199999"}, 206, CONTENT[1000:200_000]),
    ],
)
async def test_a_file_that_is_removed_meanwhile_is_sent_whole(tmp_path, asked, status, content):
    path = tmp_path / "preview.mp4"
    path.write_bytes(CONTENT)
    async with client(path) as http:
        response = await http.get("/preview", headers=asked)
    assert (response.status_code, response.content) == (status, content)
    assert response.headers["etag"] == '"preview"'


def test_a_file_that_has_gone_is_not_found(tmp_path):
    request = Request({"type": "http", "method": "GET", "headers": []})
    with pytest.raises(NotFoundError):
        file_response(request, tmp_path / "preview.mp4", etag="preview", media_type="video/mp4")
