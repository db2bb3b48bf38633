"""What was computed about footage, kept on disk by its content hash, so that no segment computes it again."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[np.generic]]


class FootageCache:
    """Arrays about one footage. Replicas may share the folder: they would write the same."""

    def __init__(self, cache_root: Path, sha256: str) -> None:
        self._folder = cache_root / "latentsync" / sha256

    def arrays(self, name: str, make: Callable[[], Arrays]) -> Arrays:
        """The arrays called `name`, made when they are not there."""
        path = self._folder / f"{name}.npz"
        try:
            with path.open("rb") as content, np.load(content) as kept:
                return dict(kept)
        except (FileNotFoundError, BadZipFile, EOFError, ValueError):
            made = make()
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(suffix=".tmp", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(file, allow_pickle=False, **made)
            Path(temporary).replace(path)
        finally:
            Path(temporary).unlink(missing_ok=True)
        return made

    def make_room(self, limit_bytes: int) -> None:
        """Removes the footage used least recently until all of it takes at most `limit_bytes`; keeps this one."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):  # another replica makes room at the same moment
            os.utime(self._folder)
            self._remove_others(limit_bytes)

    def _remove_others(self, limit_bytes: int) -> None:
        folders = sorted(self._folder.parent.iterdir(), key=lambda folder: -folder.stat().st_mtime)
        used = 0
        for folder in folders:
            used += sum(file.stat().st_size for file in folder.rglob("*.npz"))
            if used > limit_bytes and folder != self._folder:
                shutil.rmtree(folder, ignore_errors=True)
