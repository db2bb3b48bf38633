"""What a folder of media holds, for whoever finds out what nobody needs any more."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from services.media.storage.lifetimes import is_held, remove_unused

_NAME = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
ABANDONED_S = 600.0
"""A half-written file that nobody holds is left by a dead process; this much younger ones may be about to be held."""


class Kind(Enum):
    """What an entry is: its folder."""

    CONTENT = "content"
    KEY = "keys"
    HALF_WRITTEN = "tmp"
    DAMAGED = "damaged"


@dataclass(frozen=True)
class Entry:
    """A file of the store: its name within its kind, length in bytes, and Unix time of its last use."""

    kind: Kind
    name: str
    size_bytes: int
    used_s: float


def path_of(root: Path, kind: Kind, name: str) -> Path:
    """Where an entry lies."""
    folder = root / kind.value
    return folder / name[:2] / name if kind is Kind.CONTENT else folder / name


def entries_of(root: Path, *kinds: Kind) -> Iterator[Entry]:
    """All entries of these kinds, in no order; those that vanish meanwhile are left out."""
    for kind in kinds:
        for path in (root / kind.value).glob("*/*" if kind is Kind.CONTENT else "*"):
            with suppress(FileNotFoundError):
                yield entry_of(kind, path)


def entry_of(kind: Kind, path: Path) -> Entry:
    """What is known of a file. Raises FileNotFoundError."""
    found = path.stat()
    return Entry(kind, path.name, found.st_size, found.st_mtime if kind is Kind.HALF_WRITTEN else found.st_ctime)


def remove_entry(root: Path, entry: Entry, before_s: float, *, dry_run: bool = False) -> bool:
    """Removes an entry unless it was used at or after `before_s` (Unix time); whether it did, or would."""
    path = path_of(root, entry.kind, entry.name)
    if entry.kind is not Kind.HALF_WRITTEN:
        return entry.used_s < before_s if dry_run else remove_unused(root, path, before_s)
    with suppress(FileNotFoundError):
        if path.stat().st_mtime < before_s and not is_held(path):
            if not dry_run:
                path.unlink()
            return True
    return False


def names_in(text: str) -> set[str]:
    """Everything in a text that may be the name of content or of a recipe."""
    return set(_NAME.findall(text))


def remove_abandoned(root: Path) -> None:
    """Removes what dead processes have left half-written."""
    for entry in entries_of(root, Kind.HALF_WRITTEN):
        remove_entry(root, entry, time.time() - ABANDONED_S)
