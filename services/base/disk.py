"""A disk that cannot be used: what callers are told, who may wait until a person has mended it."""

from __future__ import annotations

import errno

from services.base.errors import ExhaustedError, UnavailableError

DISK_FULL, STORE_AWAY = "DISK_FULL", "STORE_AWAY"
"""Reasons of the errors for what passes only when a person makes room, or puts a folder back."""

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
_RETRY_AFTER_S = 2.0


def is_disk_full(error: BaseException) -> bool:
    """Whether `error`, of whichever library, says that the disk or the user's share of it is full."""
    return isinstance(error, OSError) and error.errno in _NO_ROOM


def disk_full(problem: str = "The disk is full.") -> ExhaustedError:
    """The error for a disk without room."""
    return ExhaustedError(problem, "Make room; then it goes on.", "", DISK_FULL, _RETRY_AFTER_S)


def store_away(problem: str) -> UnavailableError:
    """The error for a folder that has vanished or cannot be written."""
    return UnavailableError(problem, "Put it back as it was; then it goes on.", "", STORE_AWAY, _RETRY_AFTER_S)
