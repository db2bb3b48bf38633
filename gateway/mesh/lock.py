"""One mesh per data folder: a lock that the kernel releases when its holder dies, and where that mesh is found.

A second lock is shared by all commands that make films with that mesh, so that it does not end under them.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from services.base.errors import FailedPreconditionError
from services.base.private import make_private

_TRIES, _PAUSE_S = 50, 0.02


@dataclass(frozen=True)
class RunningMesh:
    """The mesh that holds a data folder: process id of its supervisor, and host:port of each of its processes."""

    pid: int
    addresses: dict[str, str]


@contextmanager
def hold(data: Path, addresses: dict[str, str]) -> Iterator[None]:
    """Holds the data folder. Raises FailedPreconditionError naming the mesh that already does."""
    ours = not data.exists() or (data / "mesh.lock").exists()
    data.mkdir(parents=True, exist_ok=True)
    if ours:
        make_private(data)
    with (data / "mesh.lock").open("a+", encoding="utf-8") as lock:
        try:
            _take(lock)
        except OSError as error:
            raise FailedPreconditionError(
                f"A mesh is already running on the data folder {data} (process {_holder(lock.name)}).",
                "Use that mesh, stop it, or choose another folder with --data.",
                "data",
                "DATA_IN_USE",
            ) from error
        lock.truncate(0)
        json.dump({"pid": os.getpid(), "addresses": addresses}, lock)
        lock.flush()
        yield
        lock.truncate(0)


def running_mesh(data: Path) -> RunningMesh | None:
    """The mesh that holds the data folder now; None when nobody does."""
    for _ in range(_TRIES):
        try:
            with (data / "mesh.lock").open("r+", encoding="utf-8") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except OSError:
                    return RunningMesh(**json.load(lock))
                return None
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):  # it is just being written
            time.sleep(_PAUSE_S)
    return None


def try_to_use(data: Path, *, alone: bool = False) -> TextIO | None:
    """A lock on using the mesh over the data folder, held until it is closed; None if it cannot be had now.

    All who use the mesh share it. With `alone` nobody else has it, or gets it.
    """
    file = (data / "mesh.users").open("a", encoding="utf-8")
    try:
        fcntl.flock(file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


def _take(lock: TextIO) -> None:
    """Takes the lock, which a process that only checks for a mesh holds for a moment. Raises OSError."""
    for _ in range(_TRIES):
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(_PAUSE_S)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _holder(path: str) -> object:
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))["pid"]
    except (ValueError, KeyError):
        return "unknown"
