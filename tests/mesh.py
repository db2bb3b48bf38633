"""A real mesh for tests: every server a process of its own on loopback, started and ended by the test."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.services.runtime.servers import is_worker

ROOT = Path(__file__).parents[1]
READY = re.compile(r"ready on ([\d.]+:\d+)")
METRICS = re.compile(r"metrics on ([\d.]+:\d+)")
START_TIMEOUT_S = 110.0  # below the limit of a test; workers are nice, so a crowded machine keeps them waiting


@dataclass
class Server:
    """One server process; `address` is known once it said that it is ready. Without a command it is a Python module."""

    name: str
    environment: Mapping[str, str]
    log: Path
    command: Sequence[str] = ()
    process: subprocess.Popen[str] = field(init=False)
    address: str = ""
    metrics: str = ""

    def start(self) -> None:
        """Starts the process and waits until it says that it is ready. A restart keeps the port."""
        port = self.address.rpartition(":")[2] or "0"
        section = self.name.rpartition(".")[2].upper()
        ports = {f"VIGENT_{section}_PORT": port, f"VIGENT_{section}_METRICS_PORT": "0"}
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                self.command or [sys.executable, "-m", self.name],
                cwd=ROOT,
                env={**os.environ, **self.environment, **ports},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        timer = threading.Timer(START_TIMEOUT_S, self.process.kill)
        timer.start()
        try:
            self._read_until_ready()
        except AssertionError:
            self.process.communicate()
            raise
        finally:
            timer.cancel()

    def _read_until_ready(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            if found := METRICS.search(line):
                self.metrics = found[1]
            if found := READY.search(line):
                self.address = found[1]
                self._reader = threading.Thread(target=self._read_to_the_end, daemon=True)
                self._reader.start()
                return
        raise AssertionError(f"{self.name} did not start:\n{self.log.read_text()[-3000:]}")

    def _read_to_the_end(self) -> None:
        assert self.process.stdout
        with self.process.stdout as output:
            output.read()

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


@contextmanager
def run_server(
    name: str, data: Path, environment: Mapping[str, str] | None = None, command: Sequence[str] = ()
) -> Iterator[Server]:
    """One server process, such as "services.tts"; `command` when it is not in Python."""
    data.mkdir(parents=True, exist_ok=True)
    shared = {"VIGENT_MEDIA_ROOT": str(data / "media"), "VIGENT_CONFIG": str(data / "none.toml")}
    server = Server(name, {**shared, **(environment or {})}, data / f"{name}.log", command)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def run_mesh(
    data: Path,
    environment: Mapping[str, str] | None = None,
    lipsync_replicas: int = 1,
    overlay_command: Sequence[str] = (),
) -> Iterator[Mesh]:
    """The whole mesh; `environment` goes to every process."""
    with ExitStack() as stack:
        servers: dict[str, Server] = {}
        names = ["tts", "lipsync", "asr", "overlay", *(f"lipsync-{n}" for n in range(2, lipsync_replicas + 1))]
        for name in names:
            service = name.partition("-")[0]
            cache = {f"VIGENT_{service.upper()}_CACHE_ROOT": str(data / "cache")}
            command = overlay_command if service == "overlay" else ()
            folder = run_server(f"services.{service}", data, {**cache, **(environment or {})}, command)
            servers[name] = stack.enter_context(folder)
        targets = {
            service: ",".join(server.address for name, server in servers.items() if name.partition("-")[0] == service)
            for service in ("tts", "lipsync", "asr", "overlay")
        }
        settings = {f"VIGENT_ORCHESTRATOR_{service.upper()}": target for service, target in targets.items()}
        settings["VIGENT_ORCHESTRATOR_DATABASE_URL"] = f"sqlite:///{data / 'jobs.db'}"
        orchestrator = run_server("orchestrator", data, {**settings, **(environment or {})})
        servers["orchestrator"] = stack.enter_context(orchestrator)
        yield Mesh(data, servers)
