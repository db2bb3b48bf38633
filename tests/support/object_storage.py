"""An S3-compatible server of the test's own, and a way to it that can be slow, fail calls, or be closed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.mesh import own_port

KEY_ID, SECRET = "key-of-the-test", "secret-of-the-test"
_START_S = 120.0


@dataclass
class Way:
    """An HTTP proxy in front of the server: one call a connection, so that what it does to one it does to a call."""

    target: int
    delay_s: float = 0.0
    fail_every: int = 0
    away: bool = False
    calls: int = 0
    failed: int = 0
    lines: list[str] = field(default_factory=list)
    port: int = 0
    _calls: set[asyncio.Task[None] | None] = field(default_factory=set)

    async def serve(self, ready: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=1 << 20)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        async with server:
            await self._stop.wait()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._calls.add(task)  # the loop itself holds it weakly
        with contextlib.closing(writer), contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await self._call(reader, writer)
        self._calls.discard(task)

    async def _call(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.calls += 1
        self.lines.append(head.partition(b"\r\n")[0].decode())
        if self.away:
            self.failed += 1
            return
        if self.fail_every and self.calls % self.fail_every == 0:
            self.failed += 1
            writer.write(b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
            return
        await asyncio.sleep(self.delay_s)
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.target)
        with contextlib.closing(up_writer):
            up_writer.write(head[:-2] + b"Connection: close\r\n\r\n")
            sending = asyncio.create_task(_copy(reader, up_writer))
            await _copy(up_reader, writer)
            sending.cancel()
            await asyncio.wait([sending])


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()


@dataclass(frozen=True)
class ObjectServer:
    """A server with a bucket `media`; `environment` is for processes that go the way."""

    way: Way
    environment: Mapping[str, str]


@contextmanager
def object_server(folder: Path) -> Iterator[ObjectServer]:
    """SeaweedFS over `folder`."""
    weed = shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")
    if weed is None:
        pytest.skip("SeaweedFS (weed) is not installed.")
    ports = {name: own_port() for name in ("master", "volume", "filer", "s3")}
    credentials = [{"accessKey": KEY_ID, "secretKey": SECRET}]
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    identities = {"identities": [{"name": "test", "credentials": credentials, "actions": actions}]}
    (folder / "data").mkdir(parents=True)
    (folder / "s3.json").write_text(json.dumps(identities), encoding="utf-8")
    command = [
        *(weed, "server", f"-dir={folder / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
        *("-filer", "-s3", f"-s3.config={folder / 's3.json'}", "-s3.port.iceberg=0", "-s3.port.lance=0"),
        *("-master.telemetry=false", "-master.volumeSizeLimitMB=64", "-volume.max=100"),
        *(f"-{name}.port={port}" for name, port in ports.items()),
    ]
    with (
        (folder / "weed.log").open("w") as log,
        subprocess.Popen(command, cwd=folder, stdout=log, stderr=log) as server,
    ):
        try:
            _wait(ports["s3"], server)
            with _way_to(ports["s3"]) as way:
                yield ObjectServer(way, environment_of(f"http://127.0.0.1:{way.port}"))
        finally:
            server.kill()


def environment_of(endpoint: str) -> dict[str, str]:
    """What processes need to be told."""
    return {
        "VIGENT_OBJECT_STORAGE": "s3://media/films",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
    }


def _wait(port: int, server: subprocess.Popen[bytes]) -> None:
    end_s = time.monotonic() + _START_S
    while time.monotonic() < end_s and server.poll() is None:
        with contextlib.suppress(OSError):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
            except urllib.error.HTTPError:  # it asks who we are
                return
        time.sleep(0.1)
    raise AssertionError("The S3 server did not start.")


@contextmanager
def _way_to(target: int) -> Iterator[Way]:
    way, ready = Way(target), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(way.serve(ready)), daemon=True)
    thread.start()
    assert ready.wait(_START_S)
    try:
        yield way
    finally:
        way.stop()
        thread.join(_START_S)
