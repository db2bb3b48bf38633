"""A real browser without a window, told over a pipe what to open (Chrome DevTools Protocol)."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import until

_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_LEAST_FD = 10
"""The browser reads file descriptor 3 and writes 4; a copy from up here cannot be in the way of either."""


class Browser:
    """One page of a browser, whose JSON messages end in a zero byte."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers = os.fdopen(commands, "wb", 0), os.fdopen(answers, "rb")
        self._last = 0
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def open(self, url: str) -> None:
        """Opens an address as if it had been typed; what is downloaded instead leaves the page as it is."""
        self._call("Page.navigate", self._session, url=url)
        assert until(lambda: self.value("document.readyState") == "complete")

    def value(self, expression: str) -> Any:
        """What a JavaScript expression gives on the page."""
        call = {"expression": expression, "returnByValue": True, "awaitPromise": True}
        return self._call("Runtime.evaluate", self._session, **call)["result"].get("value")

    def close(self) -> None:
        """Ends the browser."""
        self._call("Browser.close")
        self._commands.close()
        self._answers.close()

    def _call(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        self._last += 1
        message = {"id": self._last, "method": method, "params": params}
        self._commands.write(json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0")
        while True:
            answer = json.loads(self._message())
            if answer.get("id") == self._last:
                assert "result" in answer, answer
                return answer["result"]

    def _message(self) -> bytes:
        message = bytearray()
        while (byte := self._answers.read(1)) != b"\0":
            assert byte, "the browser has ended"
            message += byte
        return bytes(message)


@contextmanager
def run_browser(profile: Path) -> Iterator[Browser]:
    """A browser; skips the test where there is none, which in CI is a failure."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        reason = "there is no Chromium; .ci/node-and-chromium installs it"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    (read_command, write_command), (read_answer, write_answer) = _pipe(), _pipe()
    command = [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server"]
    options = ["--mute-audio", "--remote-debugging-pipe", f"--user-data-dir={profile}"]
    shell = ["bash", "-c", f'exec "$@" 3<&{read_command} 4>&{write_answer}', "browser", *command, *options]
    process = subprocess.Popen(shell, pass_fds=(read_command, write_answer), stderr=subprocess.DEVNULL)
    os.close(read_command)
    os.close(write_answer)
    try:
        browser = Browser(write_command, read_answer)
        yield browser
        browser.close()
        process.wait(60)
    finally:
        process.kill()
        process.wait()


def _pipe() -> tuple[int, int]:
    reading, writing = os.pipe()
    high = tuple(fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _LEAST_FD) for fd in (reading, writing))
    os.close(reading)
    os.close(writing)
    return high
