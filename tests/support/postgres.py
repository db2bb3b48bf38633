"""A real PostgreSQL for tests: a server of its own on a free port of loopback, to be killed and started again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.support.mesh import own_port

USER = "postgres"
_INSTALLED = Path("/usr/lib/postgresql")  # where Debian keeps the server's programs, by version
_TIMEOUT_S = 120.0
_READY = "ready to accept connections"
_AS_USER = {"user": USER, "group": USER} if os.geteuid() == 0 else {}
"""The server refuses to run as root."""


class Postgres:
    """One database server."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs, self._data, self._port = programs, folder / "data", own_port()
        self._numbers = count()
        arguments = [
            "--pgdata",
            str(self._data),
            "--username",
            USER,
            "--auth",
            "trust",
            "--encoding",
            "UTF8",
            "--no-sync",
        ]
        _run([str(programs / "initdb"), *arguments])
        self.start()

    def start(self) -> None:
        """Starts the server and waits until it takes connections; recovers first what a kill left."""
        options = [f"-p{self._port}", "-clisten_addresses=127.0.0.1", "-cunix_socket_directories=", "-cfsync=off"]
        command = [str(self._programs / "postgres"), "-D", str(self._data), *options]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8", cwd="/", **_AS_USER)
        timer = threading.Timer(_TIMEOUT_S, self._process.kill)
        timer.start()
        try:
            self._read_until_ready()
        finally:
            timer.cancel()

    def _read_until_ready(self) -> None:
        assert self._process.stderr
        said = []
        for line in self._process.stderr:
            said.append(line)
            if _READY in line:
                self._reader = threading.Thread(target=self._process.stderr.read, daemon=True)
                self._reader.start()
                return
        raise AssertionError("PostgreSQL did not start:\n" + "".join(said))

    def kill(self) -> None:
        """Ends the server and every connection at once, without a checkpoint."""
        self._end(signal.SIGQUIT)

    def freeze(self) -> None:
        """Stops the server and every connection where they are; nobody is told."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets the server go on."""
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, which: signal.Signals) -> None:
        server = psutil.Process(self._process.pid)
        for process in (server, *server.children()):  # the server first: it makes the others
            process.send_signal(which)

    def stop(self) -> None:
        """Ends the server and every connection."""
        self._end(signal.SIGINT)

    def _end(self, how: signal.Signals) -> None:
        self._process.send_signal(how)
        self._process.wait(_TIMEOUT_S)
        self._reader.join(_TIMEOUT_S)
        assert self._process.stderr
        self._process.stderr.close()

    def new_database(self) -> str:
        """URL of a new, empty database."""
        name = f"vigent_{next(self._numbers)}"
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
        return self._url(name)

    def _url(self, database: str) -> str:
        return f"postgresql://{USER}@127.0.0.1:{self._port}/{database}"


@contextmanager
def run_postgres() -> Iterator[Postgres]:
    """A server for the time of the block. Skips the test where PostgreSQL is not installed; in CI that is a failure."""
    programs = _programs()
    if programs is None:
        reason = "PostgreSQL's server is not installed (Debian: apt-get install postgresql)."
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    with tempfile.TemporaryDirectory(prefix="vigent-postgres-") as folder:
        if _AS_USER:
            shutil.chown(folder, USER, USER)
        server = Postgres(programs, Path(folder))
        try:
            yield server
        finally:
            server.stop()


def _programs() -> Path | None:
    """Folder of `initdb` and `postgres`."""
    if there := shutil.which("initdb"):
        return Path(there).parent
    versions = sorted(_INSTALLED.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return versions[-1].parent if versions else None


def _run(command: Sequence[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=_TIMEOUT_S, cwd="/", **_AS_USER)
