"""What each process of a mesh holds while it rests, and whether that has grown."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import psutil

from services.media.storage.inventory import remove_abandoned
from tests.support.mesh import Mesh
from tests.support.servers import is_worker


@dataclass(frozen=True)
class Footprint:
    """What one process holds. Shared memory is that which is no file's."""

    resident_mib: float
    open_files: float
    threads: float
    shared_mib: float
    temporary_files: float


MOST_GROWTH = Footprint(resident_mib=32, open_files=8, threads=8, shared_mib=1, temporary_files=0)
"""How much more each process may hold at the end of a storm than after its first minute.

Memory: what the allocator keeps of films that differ in length. Files and threads: connections that are being renewed,
and pools that grow as they are needed. A leak at each sentence is more than that.
"""
_NAMES = tuple(field.name for field in fields(Footprint))


def temporary_folder(folder: Path, name: str) -> Path:
    """Where this server, its worker and its children write their temporary files."""
    made = folder / "tmp" / name
    made.mkdir(parents=True, exist_ok=True)
    return made


def footprints(mesh: Mesh) -> dict[str, Footprint]:
    """That of every server and every worker, by name. Temporary files of both are counted with the server.

    Those of the media store are counted apart: all processes write there.
    """
    found = {"media store": Footprint(0, 0, 0, 0, _held_in_store(mesh.media_root))}
    for name, server in mesh.servers.items():
        process = psutil.Process(server.process.pid)
        left = sum(1 for _ in temporary_folder(mesh.data, name).rglob("*"))
        found[name] = _footprint(process, left)
        for worker in filter(is_worker, process.children()):
            found[f"{name} worker"] = _footprint(worker)
    return found


def _footprint(process: psutil.Process, temporary_files: int = 0) -> Footprint:
    with process.oneshot():
        resident_mib = process.memory_info().rss / 2**20
        return Footprint(
            resident_mib, process.num_fds(), process.num_threads(), _shared_mib(process.pid), temporary_files
        )


def _held_in_store(root: Path) -> int:
    """Half-written files that stay when those of dead processes have grown old and are removed."""
    for path in (root / "tmp").iterdir():
        os.utime(path, (0, 0))
    remove_abandoned(root)
    return sum(1 for _ in (root / "tmp").iterdir())


def _shared_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) / 2**10 for line in status.splitlines() if line.startswith("RssShmem"))


def table(before: Mapping[str, Footprint], after: Mapping[str, Footprint]) -> str:
    """A line a process, each figure as it was and as it is."""
    rows = [("at rest", *(name.replace("_", " ") for name in _NAMES))]
    for process, held in after.items():
        figures = (f"{getattr(before[process], name):.3g} -> {getattr(held, name):.3g}" for name in _NAMES)
        rows.append((process, *figures))
    return "\n".join("".join(f"{cell:<20}" for cell in row).rstrip() for row in rows)


def grown(before: Mapping[str, Footprint], after: Mapping[str, Footprint]) -> Iterator[str]:
    """A sentence for each figure that has grown by more than it may."""
    assert before.keys() == after.keys(), f"there were {sorted(before)}, there are {sorted(after)}"
    for process, held in after.items():
        for name in _NAMES:
            growth, most = getattr(held, name) - getattr(before[process], name), getattr(MOST_GROWTH, name)
            if growth > most:
                yield f"{process} holds {growth:.4g} {name.replace('_', ' ')} more than after the first minute"
