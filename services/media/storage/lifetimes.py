"""When a stored file was last used, and its removal if that is long ago: never while somebody begins to use it.

The time is that of the file's last change of state (ctime). Writing, moving and `touch` set it; a backup or a scan that
only reads does not. Who begins to use a file and who removes one hold a lock on its folder meanwhile, for
microseconds: what is found is then either used and stays, or gone and is made again.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

CLOCK_S = 0.1
"""How far behind the clock the time of a change may be: the kernel takes it from its last tick."""


@contextmanager
def using(folder: Path) -> Iterator[None]:
    """Keeps `remove_unused` away from the files below `folder`. Raises OSError when the folder is away."""
    with _locked(folder, fcntl.LOCK_SH):
        yield


def touch(path: Path) -> None:
    """Says that the file is used now. Raises FileNotFoundError; a file of another user keeps its time."""
    found = path.stat()
    try:
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    except FileNotFoundError:
        raise
    except OSError:
        return


def remove_unused(folder: Path, path: Path, before_s: float) -> bool:
    """Removes a file below `folder` unless it was used at or after `before_s` (Unix time) or is already gone."""
    with suppress(FileNotFoundError), _locked(folder, fcntl.LOCK_EX):
        if path.stat().st_ctime < before_s:
            path.unlink()
            return True
    return False


def hold(handle: int) -> None:
    """Marks an open file as somebody's until the handle is closed, also by the death of the process."""
    with suppress(OSError):  # a file system without locks; age alone tells then
        fcntl.flock(handle, fcntl.LOCK_SH)


def is_held(path: Path) -> bool:
    """Whether some process holds the file. Raises FileNotFoundError."""
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(handle)
    return False


@contextmanager
def _locked(folder: Path, kind: int) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(handle, kind)
        yield
    finally:
        os.close(handle)
