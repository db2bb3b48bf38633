"""A limit on the memory of a process, whose overstepping the kernel itself punishes: a control group of its own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

_ROOT = Path("/sys/fs/cgroup")


@contextmanager
def little_memory(pid: int, size_bytes: int) -> Iterator[None]:
    """Skips the test where no control group can be made."""
    old = (_ROOT / "memory").is_dir()  # version 1: a hierarchy for each resource
    group = (_ROOT / "memory" if old else _ROOT) / f"vigent-{uuid.uuid4().hex[:8]}"
    limits = ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"] if old else ["memory.max", "memory.swap.max"]
    try:
        group.mkdir()
        (group / limits[0]).write_text(str(size_bytes), encoding="ascii")
    except OSError as error:
        with suppress(OSError):
            group.rmdir()
        pytest.skip(f"No control group for memory can be made here: {error.strerror}.")
    with suppress(OSError):  # without a limit on swap where there is none
        (group / limits[1]).write_text(str(size_bytes if old else 0), encoding="ascii")
    (group / "cgroup.procs").write_text(str(pid), encoding="ascii")
    try:
        yield
    finally:
        with suppress(OSError):  # somebody is still in it
            group.rmdir()
