"""The command line as a user runs it, far from the sources, and waiting for what other processes do."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

TIMEOUT_S = 200.0
VIGENT = [sys.executable, "-P", "-c", "from gateway.cli.main import main; main()"]


def vigent(*arguments: str, cwd: Path, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Runs `vigent` to its end."""
    return subprocess.run(
        [*VIGENT, *arguments],
        cwd=cwd,
        env=environment_of(environment),
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT_S,
    )


def environment_of(extra: dict[str, str] | None = None) -> dict[str, str]:
    """Without a terminal's width and colours, and with the sources."""
    root = Path(__file__).parents[2]
    paths = os.pathsep.join([str(root), str(root / "protos" / "gen")])
    return {**os.environ, "PYTHONPATH": paths, "COLUMNS": "200", "NO_COLOR": "1", **(extra or {})}


@dataclass
class Running:
    """A `vigent` that runs; its output is read line by line."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    _grown: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            with self._grown:
                self.lines.append(line.rstrip())
                self._grown.notify_all()
        with self._grown:
            self.lines.append("(end of output)")
            self._grown.notify_all()

    def until(self, pattern: str, after: int = 0) -> re.Match[str]:
        """Waits for a line that matches, from line number `after` on."""
        found: list[re.Match[str]] = []

        def there() -> bool:
            found[:] = [match for line in self.lines[after:] if (match := re.search(pattern, line))]
            return bool(found) or self.lines[-1:] == ["(end of output)"]

        with self._grown:
            assert self._grown.wait_for(there, TIMEOUT_S), "\n".join(self.lines)
        assert found, "\n".join(self.lines)
        return found[0]

    def children(self) -> list[psutil.Process]:
        """Every process that it has started, and theirs."""
        return psutil.Process(self.process.pid).children(recursive=True)


@contextmanager
def running(*arguments: str, cwd: Path, environment: dict[str, str] | None = None) -> Iterator[Running]:
    """A `vigent` that is ended, if it has not ended itself."""
    process = subprocess.Popen(
        [*VIGENT, *arguments],
        cwd=cwd,
        env=environment_of(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    started = Running(process)
    try:
        yield started
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(TIMEOUT_S)
        started._reader.join(TIMEOUT_S)
        assert process.stdout
        process.stdout.close()


def until(condition: Callable[[], bool], timeout_s: float = 60.0) -> bool:
    """Asks again until the condition holds: for what another process does and tells nobody."""
    end_s = time.monotonic() + timeout_s
    while not (holds := condition()) and time.monotonic() < end_s:
        time.sleep(0.05)
    return holds


def outliving(processes: Iterable[psutil.Process], timeout_s: float = 60.0) -> list[psutil.Process]:
    """Those that still run after a while; what has ended and waits to be reaped does not run."""
    running = list(processes)

    def ended() -> bool:
        running[:] = [process for process in running if _runs(process)]
        return not running

    until(ended, timeout_s)
    return running


def command_of(process: psutil.Process) -> list[str]:
    """Its command line; nothing of one that has ended meanwhile."""
    with suppress(psutil.NoSuchProcess):
        return process.cmdline()
    return []


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
