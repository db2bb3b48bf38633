"""The Node child that draws in Chromium (remotion/child/main.ts): orders in, pictures out, over pipes."""

from __future__ import annotations

import contextlib
import fcntl
import io
import itertools
import json
import logging
import os
import select
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, cast

import numpy as np
from numpy import uint8

from services.overlay.engine import OverlayPicture
from services.overlay.remotion.requirements import MAIN, lacking
from services.overlay.remotion.resolve import Resolved

_LOG = logging.getLogger(__name__)
_KEEPER = Path(__file__).with_name("keeper.py")
_END_TIMEOUT_S = 30.0
_START_TIMEOUT_S = 120.0  # includes bundling the page when its sources have changed
_LENGTH = struct.Struct("<I")
_PIPE_BYTES = 2**20  # as much as a process may ask for without privileges: a picture in two or three reads


class Drawer:
    """A Node child with its Chromium, for any number of threads.

    When either is lost, this whole process ends: it has nothing to draw with, and the server that owns it starts the
    next one, as after any other death of a worker.
    """

    def __init__(self, chromium: str, start_timeout_s: float = _START_TIMEOUT_S) -> None:
        """Starts it. Raises FailedPreconditionError (ENGINE_NOT_INSTALLED) when Node or Chromium does not start."""
        self._lock, self._closing = threading.Lock(), False
        self._calls = itertools.count(1)
        command = [sys.executable, "-P", str(_KEEPER), "node", str(MAIN), chromium]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        self._orders = cast("io.BufferedWriter", self._process.stdin)
        self._replies = cast("io.BufferedReader", self._process.stdout)
        with contextlib.suppress(OSError):  # where less is allowed, a picture takes more reads
            fcntl.fcntl(self._replies, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self.version = self._started(chromium, start_timeout_s)
        threading.Thread(target=self._watch, name="drawer-watch", daemon=True).start()

    @contextmanager
    def drawing(self, spec: Resolved) -> Iterator[tuple[int, Iterator[OverlayPicture]]]:
        """How many pictures `spec` has, and the pictures, each drawn when asked for, with the next drawn ahead."""
        call = next(self._calls)
        count: int = self._ask({"call": call, "spec": spec})[0]["pictures"]
        try:
            yield count, (self._picture(call) for _ in range(count))
        finally:
            self._order({"call": call, "end": True})

    def close(self) -> None:
        """Ends the child and all that it started."""
        self._closing = True
        self._orders.close()
        try:
            self._process.wait(_END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._replies.close()

    def _picture(self, call: int) -> OverlayPicture:
        head, data = self._ask({"call": call})
        pixels = np.frombuffer(data, uint8).reshape(head["height"], head["width"], 4)
        return OverlayPicture(head["firstFilmFrame"], head["frames"], head["x"], head["y"], pixels)

    def _ask(self, order: Resolved) -> tuple[dict[str, Any], bytearray]:
        """The answer to an order: its head, and the pixels of a picture."""
        try:
            with self._lock:
                self._send(order)
                head = self._head()
                data = self._read(head["width"] * head["height"] * 4) if "width" in head else bytearray()
        except (EOFError, OSError):
            _end_worker()
        if "error" in head:
            raise RuntimeError(f"the page cannot draw it: {head['error']}")
        return head, data

    def _order(self, order: Resolved) -> None:
        with self._lock, contextlib.suppress(OSError):  # the next caller finds out
            self._send(order)

    def _send(self, order: Resolved) -> None:
        self._orders.write(json.dumps(order).encode() + b"\n")
        self._orders.flush()

    def _head(self) -> dict[str, Any]:
        (size,) = _LENGTH.unpack(self._read(_LENGTH.size))
        head: dict[str, Any] = json.loads(self._read(size))
        return head

    def _read(self, size: int) -> bytearray:
        data = bytearray(size)
        if self._replies.readinto(data) < size:
            raise EOFError
        return data

    def _started(self, chromium: str, timeout_s: float) -> str:
        """What the child says once it can draw."""
        ready, _, _ = select.select([self._replies], [], [], timeout_s)
        try:
            head = self._head() if ready else {"fault": f"it was not ready after {timeout_s:g} s"}
        except EOFError:
            head = {"fault": "see Node's output in the log"}
        if "fault" in head:
            self.close()
            raise lacking(f"a Chromium that starts ({chromium}: {head['fault']})")
        return str(head["version"])

    def _watch(self) -> None:
        self._process.wait()
        if not self._closing:
            _end_worker()


def _end_worker() -> NoReturn:
    _LOG.error("Chromium or Node was lost; this worker ends with it")
    logging.shutdown()
    os._exit(os.EX_SOFTWARE)
