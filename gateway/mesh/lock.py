"""One mesh a data folder: a lock that the kernel lets go of when its holder dies, and where that mesh is found."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from services.runtime.errors import FailedPreconditionError


@dataclass(frozen=True)
class RunningMesh:
    """The mesh that holds a data folder: process id of its supervisor, and host:port of each of its processes."""

    pid: int
    addresses: dict[str, str]


@contextmanager
def hold(data: Path, addresses: dict[str, str]) -> Iterator[None]:
    """Holds the data folder. Raises FailedPreconditionError naming the mesh that already does."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / "mesh.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise FailedPreconditionError(
                f"A mesh already runs on the data folder {data} (process {_holder(lock.name)}).",
                "Use that one, end it, or give another folder with --data.",
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
    try:
        with (data / "mesh.lock").open("r+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return RunningMesh(**json.load(lock))
    except (FileNotFoundError, ValueError, TypeError):
        pass
    return None


def _holder(path: str) -> object:
    try:
        return json.loads(Path(path).read_text())["pid"]
    except (ValueError, KeyError):
        return "unknown"
