"""A model hub on loopback: serves files below /SOURCE/resolve/REVISION/, by ranges, and breaks off when told to."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Hub:
    """`files` by path; `requests` keeps (path, Range); the next `breaks` answers stop after `break_after` bytes.

    No answer gets beyond byte `reach` of a file, 0 for no such end; answers to a Range begin `shift` bytes too late;
    with `location` every answer is a redirection to it. With `stalls` an answer sets `stalled` after that many bytes
    and sends no more.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    authorization: set[str] = field(default_factory=set)
    url: str = ""
    breaks: int = 0
    break_after: int = 0
    status: int = 0
    etags: bool = True
    reach: int = 0
    shift: int = 0
    location: str = ""
    stalls: int = 0
    stalled: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def do_GET(self) -> None:
        hub, asked = self.hub, self.headers.get("Range", "")
        hub.requests.append((self.path, asked))
        hub.authorization.add(self.headers.get("Authorization", ""))
        content = hub.files.get(self.path)
        if hub.location:
            self._head(302, 0, Location=hub.location)
        elif hub.status or content is None:
            self._head(hub.status or 404, 0)
        else:
            self._file(content, asked)

    def _file(self, content: bytes, asked: str) -> None:
        etag = f'"{hashlib.sha256(content).hexdigest()}"'
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        if self.headers.get("If-Range", etag) != etag:
            start = 0
        if start and start >= len(content):
            self._head(416, 0, Content_Range=f"bytes */{len(content)}")
            return
        start += self.hub.shift if start else 0
        span = {"Content_Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if start else {}
        self._head(206 if start else 200, len(content) - start, **span, **({"ETag": etag} if self.hub.etags else {}))
        self._body(content[start:], start)

    def _head(self, status: int, length: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content_Length": str(length), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def _body(self, body: bytes, start: int) -> None:
        hub, end = self.hub, len(body)
        stalled = not hub.breaks and 0 < hub.stalls < len(body)
        if hub.breaks:
            hub.breaks -= 1
            end = hub.break_after
        elif stalled:
            end = hub.stalls
        elif hub.reach:
            end = max(0, hub.reach - start)
        self.wfile.write(body[:end])
        self.close_connection = end < len(body)
        if stalled:
            self.wfile.flush()
            hub.stalled.set()
            hub.ended.wait()

    def log_message(self, *_: object) -> None:
        """A test's output is no place for it."""


@contextmanager
def run_hub() -> Iterator[Hub]:
    """A hub for the time of the block."""
    hub = Hub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield hub
    finally:
        hub.ended.set()
        server.shutdown()
        thread.join()
        server.server_close()
