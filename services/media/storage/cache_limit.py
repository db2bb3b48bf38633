"""Keeps a folder of fetched files below a size: what was not used for longest goes, but nothing of the last minutes."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

from services.media.storage.inventory import Kind, entries_of, path_of
from services.media.storage.lifetimes import remove_unused

_LOG = logging.getLogger(__name__)
IN_USE_S = 900.0
"""A path that was told may be opened this much later: what is as young stays, even beyond the limit."""
_KEYS_S = 7 * 86400.0
_LOOKS = 16


class CacheLimit:
    """The limit of one folder, for all processes that use it: each looks at all of it when it has added a share."""

    def __init__(self, root: Path, limit_bytes: int, in_use_s: float = IN_USE_S) -> None:
        self._root, self._limit_bytes, self._in_use_s = root, limit_bytes, in_use_s
        self._added_bytes, self._lock = limit_bytes, threading.Lock()  # as if full: it may be, from an earlier life

    def added(self, size_bytes: int) -> None:
        """Says that a file was added; removes others if there is need."""
        with self._lock:
            self._added_bytes += size_bytes
            if self._added_bytes * _LOOKS < self._limit_bytes:
                return
            self._added_bytes = 0
        self._trim()

    def _trim(self) -> None:
        entries = sorted(entries_of(self._root, Kind.CONTENT), key=lambda entry: entry.used_s)
        over = sum(entry.size_bytes for entry in entries) - self._limit_bytes
        before_s = time.time() - self._in_use_s
        for key in entries_of(self._root, Kind.KEY):
            remove_unused(self._root, path_of(self._root, Kind.KEY, key.name), time.time() - _KEYS_S)
        for entry in entries:
            if over <= 0 or entry.used_s >= before_s:
                break
            if remove_unused(self._root, path_of(self._root, entry.kind, entry.name), before_s):
                over -= entry.size_bytes
        if over > 0:
            _LOG.warning("the cache of the media store is %.0f MB over its limit, all of it in use", over / 1e6)
