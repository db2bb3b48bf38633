"""A disk of a few MiB that a test can fill, take away and give back: a tmpfs of its own."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class SmallDisk:
    """What is mounted at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._filler = path / "filler"

    def fill(self, left_bytes: int = 0) -> None:
        """Writes until only `left_bytes` are free."""
        with self._filler.open("ab") as file, contextlib.suppress(OSError):
            while (free := self._free_bytes() - left_bytes) > 0:
                os.write(file.fileno(), bytes(min(free, 1 << 16)))

    def empty(self) -> None:
        """Removes what `fill` wrote."""
        self._filler.unlink(missing_ok=True)

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Nothing can be written meanwhile but what is open already, which keeps the disk itself from such a change."""
        subprocess.run(["mount", "--bind", str(self.path), str(self.path)], check=True)
        try:
            subprocess.run(["mount", "-o", "remount,bind,ro", str(self.path)], check=True)
            yield
        finally:
            subprocess.run(["umount", "--lazy", str(self.path)], check=True)

    @contextmanager
    def moved_away(self, name: str) -> Iterator[None]:
        """A folder on it has another name meanwhile."""
        (self.path / name).rename(self.path / "elsewhere")
        try:
            yield
        finally:
            (self.path / "elsewhere").rename(self.path / name)

    def _free_bytes(self) -> int:
        room = os.statvfs(self.path)
        return room.f_bavail * room.f_frsize


@contextmanager
def small_disk(path: Path, mib: int) -> Iterator[SmallDisk]:
    """Mounts it at `path`, which is made. Skips the test where nothing can be mounted."""
    path.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(path)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("Only root can mount a disk of the test's own.")
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)
