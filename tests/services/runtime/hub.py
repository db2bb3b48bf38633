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


@contextmanager
def run_hub() -> Iterator[Hub]:
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            asked = self.headers.get("Range", "")
            hub.requests.append((self.path, asked))
            hub.authorization.add(self.headers.get("Authorization", ""))
            content = hub.files.get(self.path)
            if hub.status or hub.location or content is None:
                self.send_response(302 if hub.location else hub.status or 404)
                if hub.location:
                    self.send_header("Location", hub.location)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            etag = f'"{hashlib.sha256(content).hexdigest()}"'
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
            if self.headers.get("If-Range", etag) != etag:
                start = 0
            if start and start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            if start:
                start += hub.shift
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            else:
                self.send_response(200)
            self.send_header("Content-Length", str(len(content) - start))
            if hub.etags:
                self.send_header("ETag", etag)
            self.end_headers()
            body = content[start:]
            if hub.breaks:
                hub.breaks -= 1
                self.wfile.write(body[: hub.break_after])
                self.close_connection = True
                return
            if hub.stalls and len(body) > hub.stalls:
                self.wfile.write(body[: hub.stalls])
                self.wfile.flush()
                hub.stalled.set()
                hub.ended.wait()
                self.close_connection = True
                return
            if hub.reach:
                self.wfile.write(content[start : hub.reach])
                self.close_connection = True
                return
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
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
