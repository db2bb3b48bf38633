"""A chat endpoint in OpenAI's form on loopback, which writes, is slow, breaks off, refuses or talks nonsense."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WORDS = ("大家好，", "this is ", "a script.")


@dataclass
class Chat:
    """What it does next: `status` refuses, `how` names a way to stream. `asked` keeps bodies, `keys` what came as key.

    "written" ends as it should, "silent" says a word and then nothing until `go_on`, "cut" closes in the middle,
    "nonsense" sends no JSON, "page" a page, "length" stops for length, "endless" never stops by itself, "trickle" says
    little until `go_on`. `left` is set when a reader has gone.
    """

    status: int = 200
    how: str = "written"
    url: str = ""
    asked: list[dict] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    go_on: threading.Event = field(default_factory=threading.Event)
    left: threading.Event = field(default_factory=threading.Event)


class _Handler(BaseHTTPRequestHandler):
    chat: Chat

    def do_POST(self) -> None:
        chat = self.chat
        chat.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        chat.keys.append(self.headers.get("Authorization", ""))
        self.send_response(chat.status)
        self.send_header("Content-Type", "text/html" if chat.how == "page" else "text/event-stream")
        self.send_header("Retry-After", "7")
        self.end_headers()
        if chat.status != 200:
            self.wfile.write(json.dumps({"error": {"message": f"no: {chat.keys[-1]}"}}).encode())
            return
        try:
            getattr(self, f"_{chat.how}")()
        except OSError:
            chat.left.set()

    def _say(self, text: str | None, finish: str | None = None) -> None:
        choice = {"index": 0, "delta": {"content": text} if text else {}, "finish_reason": finish}
        self.wfile.write(f"data: {json.dumps({'choices': [choice]})}\n\n".encode())
        self.wfile.flush()

    def _written(self) -> None:
        for word in WORDS:
            self._say(word)
        self._say(None, "stop")
        self.wfile.write(b'data: {"choices": [], "usage": {"total_tokens": 7}}\n\ndata: [DONE]\n\n')

    def _silent(self) -> None:
        self._say(WORDS[0])
        self.chat.go_on.wait(60)
        self._say(WORDS[1])

    def _cut(self) -> None:
        self._say(WORDS[0])

    def _length(self) -> None:
        self._say(WORDS[0], "length")

    def _nonsense(self) -> None:
        self.wfile.write(b"data: {not json\n\n")

    def _page(self) -> None:
        self.wfile.write(b"<html>Welcome</html>")

    def _trickle(self) -> None:
        while not self.chat.go_on.wait(0.05):
            self._say("a")

    def _endless(self) -> None:
        while True:
            self._say("word " * 200)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def run_chat() -> Iterator[Chat]:
    """An endpoint, until the block is left."""
    chat = Chat()
    handler = type("Handler", (_Handler,), {"chat": chat})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    chat.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield chat
    finally:
        chat.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join(20)
