"""The media store on object storage: what every machine of a mesh shares, with a folder of each machine as its cache.

A file is uploaded before its name is told. A file that is not in the folder is fetched to a temporary name, in ranges
side by side, its hash is compared, and only then it gets its name; everything else is as in the folder's own store. No
call lists the storage but those of the collector.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from services.base.errors import NotFoundError
from services.enginekit.checkpoints import sha256_of
from services.media.storage.cache_limit import CacheLimit
from services.media.storage.documents import Edit
from services.media.storage.inventory import Entry, Kind, entries_of, path_of
from services.media.storage.object_storage import ChangedMeanwhileError, ObjectStorage, Version
from services.media.store import DAMAGED, MediaStore, StoredFile, read_note

_LOG = logging.getLogger(__name__)
_FRESH_S = 3600.0
"""A key is written again when it is used and older, and so counts as used; half of the least grace time."""
_LOCKS = 64
_REMEMBERED_KEYS = 10_000
_TRIES = 2
_WRITERS_AT_ONCE = 20


class SharedMediaStore(MediaStore):
    """A media store whose files are in `storage`; `root` holds what this machine has used, up to `limit`."""

    shared_storage: ClassVar[bool] = True

    def __init__(self, root: Path, storage: ObjectStorage, limit: CacheLimit) -> None:
        super().__init__(root)
        self.documents = ObjectDocuments(storage)
        self._storage, self._limit = storage, limit
        self._fetching = [threading.Lock() for _ in range(_LOCKS)]
        self._fresh: dict[str, float] = {}

    def path(self, sha256: str, field: str = "sha256") -> Path:
        """As `MediaStore.path`; fetches the file first if it is not here. Raises UnavailableError (STORE_AWAY) too."""
        with suppress(NotFoundError):
            return super().path(sha256, field)
        with self._fetching[int(sha256[:8], 16) % _LOCKS]:
            if not path_of(self.root, Kind.CONTENT, sha256).exists():
                self._fetch(sha256, field)
            return super().path(sha256, field)

    def discard(self, sha256: str) -> None:
        """As `MediaStore.discard`, here and in the storage; other machines may still have it."""
        super().discard(sha256)
        self._storage.delete(_object(Kind.CONTENT, sha256))

    def remember(self, key: str, stored: StoredFile) -> None:
        """As `MediaStore.remember`, for everybody."""
        super().remember(key, stored)
        self._storage.put(_object(Kind.KEY, key), path_of(self.root, Kind.KEY, key).read_bytes())
        self._fresh[key] = time.monotonic()

    def recall(self, key: str) -> StoredFile | None:
        """As `MediaStore.recall`. A key that others have removed is forgotten here too."""
        return super().recall(key) if self._has_key(key) else None

    def key_content(self, key: str) -> str:
        """As `MediaStore.key_content`."""
        if known := super().key_content(key):
            return known
        with suppress(FileNotFoundError):
            noted = read_note(self._storage.read(_object(Kind.KEY, key))[0])
            return noted.sha256 if noted else ""
        return ""

    def entries(self) -> Iterator[Entry]:
        """As `MediaStore.entries`: what is in the storage, and what is half-written here."""
        yield from entries_of(self.root, Kind.HALF_WRITTEN)
        for kind in (Kind.CONTENT, Kind.KEY, Kind.DAMAGED):
            yield from (_entry(kind, version) for version in self._storage.below(kind.value))

    def contents(self, names: Iterable[str]) -> list[Entry]:
        """As `MediaStore.contents`."""
        found = []
        for name in names:
            with suppress(FileNotFoundError):
                found.append(_entry(Kind.CONTENT, self._storage.look(_object(Kind.CONTENT, name))))
        return found

    def remove(self, entry: Entry, before_s: float, *, dry_run: bool = False) -> bool:
        """As `MediaStore.remove`, in the storage; between look and removal is the time of a call."""
        if entry.kind is Kind.HALF_WRITTEN:
            return super().remove(entry, before_s, dry_run=dry_run)
        name = _object(entry.kind, entry.name)
        with suppress(FileNotFoundError):
            if _entry(entry.kind, self._storage.look(name)).used_s < before_s:
                if not dry_run:
                    self._storage.delete(name)
                    path_of(self.root, entry.kind, entry.name).unlink(missing_ok=True)
                return True
        return False

    def _publish(self, path: Path, sha256: str) -> None:
        name = _object(Kind.CONTENT, sha256)
        with suppress(FileNotFoundError):
            if time.time() - self._storage.look(name).written_s < _FRESH_S:
                return
        self._storage.put_file(name, path)

    def _move_in(self, path: Path, sha256: str) -> None:
        size_bytes = path.stat().st_size
        super()._move_in(path, sha256)
        self._limit.added(size_bytes)

    def _fetch(self, sha256: str, field: str) -> None:
        """Raises NotFoundError: DAMAGED for what is not what was written, by then set aside."""
        name = _object(Kind.CONTENT, sha256)
        try:
            for _ in range(_TRIES):
                with self.temporary() as part:
                    self._storage.fetch(name, part)
                    if sha256_of(part) == sha256:
                        self._move_in(part, sha256)
                        return
            _LOG.error("the object %s of the media store is damaged and set aside", sha256)
            self._storage.move(name, _object(Kind.DAMAGED, sha256))
        except FileNotFoundError:
            self._require_undamaged(sha256, field)
            raise NotFoundError(f"The media store has no file {sha256}.", "Upload it first.", field) from None
        self._require_undamaged(sha256, field)

    def _require_undamaged(self, sha256: str, field: str) -> None:
        with suppress(FileNotFoundError):
            self._storage.look(_object(Kind.DAMAGED, sha256))
            path_of(self.root, Kind.DAMAGED, sha256).touch()
            problem = f"The file {sha256} was found damaged."
            raise NotFoundError(problem, "Upload it again, or make it again.", field, DAMAGED)

    def _has_key(self, key: str) -> bool:
        """Whether the storage has it; brings it here, and lets it and its content count as used there."""
        if time.monotonic() - self._fresh.get(key, float("-inf")) < _FRESH_S:
            return True
        path = path_of(self.root, Kind.KEY, key)
        try:
            text, version = self._storage.read(_object(Kind.KEY, key))
        except FileNotFoundError:
            path.unlink(missing_ok=True)
            return False
        self._write_note(path, text.decode(errors="replace"))
        if time.time() - version.written_s > _FRESH_S / 2:
            self._storage.put(_object(Kind.KEY, key), text)
        if len(self._fresh) >= _REMEMBERED_KEYS:
            self._fresh.clear()
        self._fresh[key] = time.monotonic()
        return True


class ObjectDocuments:
    """Documents as objects library/<name>.json; a change is written only over what it was made from."""

    def __init__(self, storage: ObjectStorage) -> None:
        self._storage = storage

    def names(self) -> list[str]:
        """Names of all documents; a listing."""
        return [Path(version.name).stem for version in self._storage.below("library")]

    def place(self, name: str) -> str:
        """Address of a document."""
        return f"{self._storage.url}/library/{name}.json"

    def read(self, name: str) -> str | None:
        """The document; None when there is none."""
        return self._read(name)[0]

    def edit(self, name: str, edit: Edit) -> None:
        """Changes a document, or makes it; begins again when somebody else was faster. Raises ChangedMeanwhileError."""
        for left in reversed(range(_WRITERS_AT_ONCE)):
            text, version = self._read(name)
            try:
                return self._storage.replace(f"library/{name}.json", edit(text).encode(), version)
            except ChangedMeanwhileError:
                if not left:
                    raise
        return None

    def _read(self, name: str) -> tuple[str | None, Version | None]:
        try:
            data, version = self._storage.read(f"library/{name}.json")
        except FileNotFoundError:
            return None, None
        return data.decode(), version


def _object(kind: Kind, name: str) -> str:
    return f"{kind.value}/{name[:2]}/{name}" if kind is Kind.CONTENT else f"{kind.value}/{name}"


def _entry(kind: Kind, version: Version) -> Entry:
    written_s = version.written_s + 1.0  # it is told in whole seconds
    return Entry(kind, version.name.rpartition("/")[2], version.size_bytes, written_s)
