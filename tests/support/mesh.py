"""A real mesh for tests: every server a process of its own on loopback, started and ended by the test."""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import quote

import psutil

from tests.support.servers import is_worker

ROOT = Path(__file__).parents[2]
READY = re.compile(r"ready on ([\d.]+:\d+)")
METRICS = re.compile(r"metrics on ([\d.]+:\d+)")
START_TIMEOUT_S = 240.0  # below the limit of a test; workers are nice, so a crowded machine keeps them waiting


_FIRST_PORT = int(os.environ.get("TEST_PORTS_FROM", "5000"))  # another one in each of several runs at a time
_PORTS = range(_FIRST_PORT, _FIRST_PORT + 1_500)
"""`vigent up` and `vigent make` take theirs from above 10,000, between looking and listening."""
_given: set[int] = set()


def own_port() -> int:
    """A free port that no other server of this run is given, not by the tests beside these either."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    mine = [port for port in _PORTS if port % workers == number % workers and port not in _given]
    port = next(filter(_is_free, random.sample(mine, len(mine))))
    _given.add(port)
    return port


def _is_free(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
        return True
    return False


@dataclass
class Server:
    """One server process; `address` is known once it said that it is ready. `before`: what its command begins with."""

    name: str
    environment: Mapping[str, str]
    log: Path
    before: Sequence[str] = ()
    process: subprocess.Popen[str] = field(init=False)
    address: str = ""
    metrics: str = ""
    _ready: Future[str] = field(init=False)
    _reader: threading.Thread = field(init=False)

    def start(self) -> None:
        """Starts the process and waits until it says that it is ready. A restart keeps the port."""
        self.launch()
        self.wait_ready()

    def launch(self) -> None:
        """Starts the process; its port is that of its last life."""
        port = self.address.rpartition(":")[2] or str(own_port())  # which nobody else gets between two lives
        section = self.name.rpartition(".")[2].upper()
        ports = {f"VIGENT_{section}_PORT": port, f"VIGENT_{section}_METRICS_PORT": "0"}
        at_once = {f"VIGENT_{section}_DRAIN_DELAY_S": "0"}  # nobody has to be told before it ends
        with self.log.open("a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [*self.before, sys.executable, "-m", self.name],
                cwd=ROOT,
                env={**os.environ, **at_once, **self.environment, **ports},
                stdout=subprocess.PIPE,
                stderr=log,
                encoding="utf-8",
            )
        self._ready = Future()
        self._reader = threading.Thread(target=self._read, args=(self.process.stdout, self._ready), daemon=True)
        self._reader.start()

    def _read(self, output: IO[str], ready: Future[str]) -> None:
        """To the end, else the process would wait for a reader."""
        with output:
            for line in output:
                if found := METRICS.search(line):
                    self.metrics = found[1]
                if (found := READY.search(line)) and not ready.done():
                    ready.set_result(found[1])
        if not ready.done():
            ready.set_exception(EOFError())

    def wait_ready(self) -> None:
        """Waits until the process that was launched says that it is ready."""
        try:
            self.address = self._ready.result(START_TIMEOUT_S)
        except (EOFError, TimeoutError):
            self.kill()
            raise AssertionError(
                f"{self.name} did not start:\n{self.log.read_text(encoding='utf-8')[-3000:]}"
            ) from None

    def kill(self) -> None:
        """kill -9, as a crash would be."""
        self.process.kill()
        self.process.wait()

    def worker(self) -> psutil.Process:
        """The child that holds the engine."""
        return next(child for child in psutil.Process(self.process.pid).children() if is_worker(child))

    def stop(self) -> int:
        """Ends the process gently, then firmly; returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(START_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.kill()
        self._reader.join(START_TIMEOUT_S)
        return self.process.returncode


@dataclass
class Mesh:
    """Model servers and an orchestrator over one data folder."""

    data: Path
    servers: dict[str, Server]

    @property
    def jobs(self) -> str:
        """Address of the orchestrator."""
        return self.servers["orchestrator"].address

    @property
    def media_root(self) -> Path:
        """Folder of the media store."""
        return self.data / "media"


def _server(name: str, data: Path, environment: Mapping[str, str] | None, before: Sequence[str] = ()) -> Server:
    data.mkdir(parents=True, exist_ok=True)
    shared = {"VIGENT_MEDIA_ROOT": str(data / "media"), "VIGENT_CONFIG": str(data / "none.toml")}
    return Server(name, {**shared, **(environment or {})}, data / f"{name}.log", before)


@contextmanager
def _run(servers: Sequence[Server]) -> Iterator[None]:
    """All of them at once, for what they import takes its time."""
    with ExitStack() as stack:
        for server in servers:
            server.launch()
            stack.callback(server.stop)
        for server in servers:
            server.wait_ready()
        yield


@contextmanager
def run_server(
    name: str, data: Path, environment: Mapping[str, str] | None = None, before: Sequence[str] = ()
) -> Iterator[Server]:
    """One server process, such as "services.tts"; `before` is a program that runs it, such as one that sets limits."""
    server = _server(name, data, environment, before)
    with _run([server]):
        yield server


@contextmanager
def run_servers(data: Path, wanted: Mapping[str, tuple[str, Mapping[str, str]]]) -> Iterator[dict[str, Server]]:
    """Several at once: by name, what `run_server` takes. Each logs into a folder of its name; the media are shared."""
    media = {"VIGENT_MEDIA_ROOT": str(data / "media")}
    servers = {name: _server(what, data / name, {**told, **media}) for name, (what, told) in wanted.items()}
    with _run(list(servers.values())):
        yield servers


@contextmanager
def run_mesh(
    data: Path,
    environment: Mapping[str, str] | None = None,
    lipsync_replicas: int = 1,
    own_settings: Callable[[str], Mapping[str, str]] = lambda _: {},
) -> Iterator[Mesh]:
    """The whole mesh; `environment` goes to every process, what `own_settings` gives for its name to that one."""
    servers: dict[str, Server] = {}
    for name in ("tts", "lipsync", "asr", "overlay", *(f"lipsync-{n}" for n in range(2, lipsync_replicas + 1))):
        service = name.partition("-")[0]
        cache = {f"VIGENT_{service.upper()}_CACHE_ROOT": str(data / "cache")}
        servers[name] = _server(f"services.{service}", data, {**cache, **(environment or {}), **own_settings(name)})
    with _run(list(servers.values())):
        targets = {
            service: ",".join(server.address for name, server in servers.items() if name.partition("-")[0] == service)
            for service in ("tts", "lipsync", "asr", "overlay")
        }
        settings = {f"VIGENT_ORCHESTRATOR_{service.upper()}": target for service, target in targets.items()}
        settings["VIGENT_ORCHESTRATOR_DATABASE_URL"] = f"sqlite:///{quote(str(data / 'jobs.db'))}"
        settings |= {**(environment or {}), **own_settings("orchestrator")}
        with run_server("orchestrator", data, settings) as orchestrator:
            yield Mesh(data, {**servers, "orchestrator": orchestrator})
