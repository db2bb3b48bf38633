"""What was computed about footage, kept on disk by its content hash, so that no segment computes it again."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from services.lipsync.array_files import Arrays, read_arrays, write_arrays


class FootageCache:
    """Arrays about one footage file. Replicas may share the folder: they would write the same.

    A full, damaged or read-only folder costs time, but fails no call.
    """

    def __init__(self, cache_root: Path, sha256: str) -> None:
        self._folder = cache_root / "latentsync" / sha256

    def arrays(self, name: str, make: Callable[[], Arrays]) -> Arrays:
        """The arrays called `name`, made when they are not there."""
        path = self._folder / f"{name}.npz"
        kept = read_arrays(path)
        if kept is None:
            kept = make()
            write_arrays(path, kept)
        return kept

    def touch(self) -> None:
        """Counts this footage as just used."""
        with contextlib.suppress(OSError):
            os.utime(self._folder)

    def make_room(self, limit_bytes: int) -> None:
        """Removes the footage used least recently until all of it takes at most `limit_bytes`; keeps this one."""
        with contextlib.suppress(OSError):  # another replica is making room too, or the folder is read-only
            self._folder.mkdir(parents=True, exist_ok=True)
            self.touch()
            self._remove_others(limit_bytes)

    def _remove_others(self, limit_bytes: int) -> None:
        folders = sorted(self._folder.parent.iterdir(), key=lambda folder: -folder.stat().st_mtime)
        used = 0
        for folder in folders:
            used += sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
            if used > limit_bytes and folder != self._folder:
                shutil.rmtree(folder, ignore_errors=True)
