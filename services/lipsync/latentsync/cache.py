"""What was computed about footage, kept on disk by its content hash, so that no segment computes it again."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_LOG = logging.getLogger(__name__)

Arrays = Mapping[str, NDArray[np.generic]]


class FootageCache:
    """Arrays about one footage. Replicas may share the folder: they would write the same.

    A folder that is full, damaged or may not be written costs time, never a call.
    """

    def __init__(self, cache_root: Path, sha256: str) -> None:
        self._folder = cache_root / "latentsync" / sha256

    def arrays(self, name: str, make: Callable[[], Arrays]) -> Arrays:
        """The arrays called `name`, made when they are not there."""
        path = self._folder / f"{name}.npz"
        kept = _read(path)
        if kept is None:
            kept = make()
            _write(path, kept)
        return kept

    def touch(self) -> None:
        """Counts this footage as just used."""
        with contextlib.suppress(OSError):
            os.utime(self._folder)

    def make_room(self, limit_bytes: int) -> None:
        """Removes the footage used least recently until all of it takes at most `limit_bytes`; keeps this one."""
        with contextlib.suppress(OSError):  # another replica makes room at the same moment, or nobody may
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


def _read(path: Path) -> Arrays | None:
    try:
        with path.open("rb") as content, np.load(content) as kept:
            return dict(kept)
    except FileNotFoundError:
        return None
    except Exception as error:  # zip and NumPy raise whatever a damaged file makes them stumble over
        _LOG.warning("%s cannot be read (%s) and is made again", path, error)
        return None


def _write(path: Path, arrays: Arrays) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(suffix=".tmp", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(file, allow_pickle=False, **arrays)
            Path(temporary).replace(path)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError as error:
        _LOG.warning("%s cannot be kept (%s) and will be made again", path, error.strerror)
