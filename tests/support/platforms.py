"""YouTube and TikTok as their documentation describes them, on loopback, with the troubles that the test asks for."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit


@dataclass
class Sent:
    """A film that is being sent: what was said of it, and what is there."""

    told: dict
    size: int
    content: bytearray = field(default_factory=bytearray)


@dataclass
class Platforms:
    """`troubles` are taken one after the other by requests of their kind:

    "begin" and "look" (a status and a reason), "part" (a status, "cut" or "half"), "status" (what it says of a film,
    the last one is kept), "refresh" (a status). With `hold` set, parts wait for it. `seen` counts requests by
    verb and path.
    """

    url: str = ""
    troubles: dict[str, list] = field(default_factory=dict)
    films: list[Sent] = field(default_factory=list)
    seen: Counter = field(default_factory=Counter)
    valid: set[str] = field(default_factory=set)
    challenges: dict[str, str] = field(default_factory=dict)
    given: list[str] = field(default_factory=list)
    ended: set[int] = field(default_factory=set)
    received_bytes: int = 0
    hold: threading.Event | None = None
    held: threading.Event = field(default_factory=threading.Event)

    def next(self, kind: str, *, last: bool = False) -> object:
        """The next trouble of a kind; None when all is well."""
        left = self.troubles.get(kind) or [None]
        return left[0] if last and len(left) == 1 else left.pop(0)

    def token(self) -> str:
        """A new access token."""
        token = f"access-{len(self.given)}-of-the-platform"
        self.given.append(token)
        self.valid.add(token)
        return token


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    platforms: Platforms

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.platforms.seen["GET", parts.path] += 1
        if parts.path in {"/o/oauth2/v2/auth", "/v2/auth/authorize/"}:
            self._agree(query)
        elif self._is_let_in():
            if trouble := self.platforms.next("look"):
                self._refuse(trouble)
                return
            status = self.platforms.next("status", last=True) or {"uploadStatus": "processed"}
            self._answer(200, {"items": [{"id": query["id"], "status": status}]})

    def do_POST(self) -> None:
        path, body = urlsplit(self.path).path, self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.platforms.seen["POST", path] += 1
        match path:
            case "/token" | "/v2/oauth/token/":
                self._exchange({name: values[0] for name, values in parse_qs(body.decode()).items()})
            case "/revoke" | "/v2/oauth/revoke/":
                self.platforms.valid.clear()
                self._answer(200, {})
            case _ if self._is_let_in():
                self._asked(path, json.loads(body))

    def do_PUT(self) -> None:
        platforms = self.platforms
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        platforms.seen["PUT", self.path] += 1
        number = int(self.path.rpartition("/")[2])
        sent, trouble = platforms.films[number], None
        start = re.match(r"bytes (\d+)-", self.headers["Content-Range"])
        if start:
            platforms.received_bytes += len(body)
            trouble = platforms.next("part")
            if platforms.hold:
                platforms.held.set()
                platforms.hold.wait(60)
            if int(start[1]) == len(sent.content) and trouble in {None, "half", "cut"}:
                sent.content += body[: len(body) // 2 // 262_144 * 262_144] if trouble == "half" else body
        if trouble == "cut":
            self.close_connection = True
        elif number in platforms.ended or isinstance(trouble, int):
            self._answer(trouble or 404, {})
        elif self.path.startswith("/tiktok/"):
            self._tiktok_part(sent, int(start[1]) if start else 0, len(body))
        elif len(sent.content) == sent.size:
            self._answer(201, {"id": f"video-{number}"})
        else:
            there = {"Range": f"bytes=0-{len(sent.content) - 1}"} if sent.content else {}
            self._answer(308, None, there)

    def do_DELETE(self) -> None:
        self.platforms.seen["DELETE", self.path] += 1
        self.platforms.ended.add(int(self.path.rpartition("/")[2]))
        self._answer(499, None)

    def _tiktok_part(self, sent: Sent, start: int, length: int) -> None:
        there = {"Content-Range": f"bytes 0-{len(sent.content) - 1}/{sent.size}"}
        if start + length < len(sent.content):
            self._answer(416, None, there)
        else:
            self._answer(201 if len(sent.content) == sent.size else 206, None, there)

    def _agree(self, query: dict[str, str]) -> None:
        code = f"code-{len(self.platforms.challenges)}"
        self.platforms.challenges[code] = query["code_challenge"]
        assert query["code_challenge_method"] == "S256"
        back = f"{query['redirect_uri']}?{urlencode({'state': query['state'], 'code': code})}"
        self._answer(302, None, {"Location": back})

    def _exchange(self, form: dict[str, str]) -> None:
        assert form["client_secret"] == "the-client-secret"
        if form["grant_type"] == "refresh_token":
            trouble = self.platforms.next("refresh")
            known = trouble is None and form["refresh_token"].startswith("refresh-of-the-platform")
        else:
            digest = hashlib.sha256(form["code_verifier"].encode())
            forms = {digest.hexdigest(), base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()}
            known, trouble = self.platforms.challenges.pop(form["code"], "") in forms, None
        if not known:
            self._answer(int(trouble or 400), {"error": "invalid_grant" if trouble is None or trouble == 400 else "x"})
            return
        answer = {"access_token": self.platforms.token(), "expires_in": 3600}
        self._answer(200, {**answer, "refresh_token": "refresh-of-the-platform", "open_id": "someone"})

    def _asked(self, path: str, body: dict) -> None:
        platforms = self.platforms
        if path.endswith("/status/fetch/"):
            status = platforms.next("status", last=True) or {"status": "SEND_TO_USER_INBOX"}
            self._answer(200, {"data": status, "error": {"code": "ok", "message": ""}})
        elif trouble := platforms.next("begin"):
            self._refuse(trouble)
        elif path.endswith("/init/"):
            platforms.films.append(Sent(body, body["source_info"]["video_size"]))
            number = len(platforms.films) - 1
            data = {"publish_id": f"publish-{number}", "upload_url": f"{platforms.url}/tiktok/{number}"}
            self._answer(200, {"data": data, "error": {"code": "ok", "message": ""}})
        else:
            platforms.films.append(Sent(body, int(self.headers["X-Upload-Content-Length"])))
            self._answer(200, None, {"Location": f"{platforms.url}/session/{len(platforms.films) - 1}"})

    def _refuse(self, trouble: object) -> None:
        """In the words of both."""
        status, reason = trouble
        if "/v2/" in self.path:
            self._answer(status, {"error": {"code": reason, "message": "no", "log_id": "1"}})
        else:
            self._answer(status, {"error": {"code": status, "message": "no", "errors": [{"reason": reason}]}})

    def _is_let_in(self) -> bool:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self.platforms.valid:
            self._refuse((401, "access_token_invalid" if "/v2/" in self.path else "authError"))
            return False
        return True

    def _answer(self, status: int, told: dict | None, headers: dict[str, str] | None = None) -> None:
        body = b"" if told is None else json.dumps(told).encode()
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def run_platforms() -> Iterator[Platforms]:
    """Both, until the block is left."""
    platforms = Platforms()
    handler = type("Handler", (_Handler,), {"platforms": platforms})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    platforms.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield platforms
    finally:
        if platforms.hold:
            platforms.hold.set()
        server.shutdown()
        server.server_close()
        thread.join(20)
