"""Scripts, consents and voices belong to the user who runs a mesh: nobody else on the machine may read them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PRIVATE = 0o077  # as a umask: neither group nor others
_usual: list[int] = []


def keep_files_private() -> None:
    """From here on, files and folders that this process and its children make are for their owner alone."""
    before = os.umask(_PRIVATE)
    _usual[:] = _usual or [before]


@contextmanager
def as_usual() -> Iterator[None]:
    """For what the user asked for by name, which is as open as anything else of theirs."""
    private = os.umask(_usual[0]) if _usual else None
    try:
        yield
    finally:
        if private is not None:
            os.umask(private)


def make_private(folder: Path) -> None:
    """Closes a folder of ours to others, unless it is meant for all, as /tmp is."""
    if not folder.stat().st_mode & stat.S_ISVTX:
        with suppress(PermissionError):  # it is somebody else's, and so is what it is open to
            folder.chmod(0o700)
