"""The media store: files named by the hash of their content, in one folder that every process of the mesh reads.

A file is written to a temporary name, fsynced and renamed, so a name in the store always means whole content. What a
killed process left half-written stays under a temporary name, and is removed ten minutes later by whoever opens the
store. Each process hashes a file once before it reads it: what is not what was written is set aside, in `damaged`, and
is made or uploaded again. Whoever is told of a file has begun to use it (`storage/lifetimes.py`): the orchestrator
removes only what was not used for long and what nothing names (`orchestrator/jobs/collector.py`).
"""

from __future__ import annotations

import copy
import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from services.base.disk import disk_full, is_disk_full, store_away
from services.base.errors import FailedPreconditionError, InvalidInputError, NotFoundError
from services.media.storage.documents import Documents, FolderDocuments
from services.media.storage.inventory import (
    Entry,
    Kind,
    entries_of,
    entry_of,
    names_in,
    path_of,
    remove_abandoned,
    remove_entry,
)
from services.media.storage.lifetimes import hold, touch, using

if TYPE_CHECKING:
    from vigent.media.v1 import media_pb2

DAMAGED = "DAMAGED"
"""Reason of the NotFoundError for a file that is, or was found to be, not what was written."""

_LOG = logging.getLogger(__name__)
_FOLDERS = (*(kind.value for kind in Kind), "notes", "library")
_REMEMBERED_FILES = 10_000
_SHA256_DIGITS = frozenset("0123456789abcdef")


@dataclass(frozen=True)
class StoredFile:
    """A file in the store: lower-case hexadecimal SHA-256, length in bytes and IANA media type."""

    sha256: str
    size_bytes: int
    mime_type: str = ""


class MediaStore:
    """Content-addressed files below `root`, plus a `keys` index from the hash of a recipe to the file it made.

    `shared_storage` says that others see only what is in storage beyond this folder (`storage/shared_store.py`).
    """

    shared_storage: ClassVar[bool] = False

    def __init__(self, root: Path) -> None:
        """Makes its folders. Raises FailedPreconditionError for an unusable `root`, ExhaustedError on a full disk."""
        self.root = root
        self._whole: dict[str, tuple[int, int, int]] = {}
        self.documents: Documents = FolderDocuments(root / "library")
        self._damaged: Callable[[str], None] = lambda _: None
        self._used: Callable[[str], None] = lambda _: None
        try:
            for folder in _FOLDERS:
                (root / folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            if is_disk_full(error):
                raise disk_full() from error
            problem = f"The folder {root} of the media store cannot be used: {error.strerror}."
            raise FailedPreconditionError(problem, "Set VIGENT_MEDIA_ROOT to another one.", "media_root") from error
        remove_abandoned(root)

    def require(self, free_bytes: int = 0) -> None:
        """Raises UnavailableError (STORE_AWAY) when the folder has vanished or cannot be written.

        Raises ExhaustedError (DISK_FULL) when fewer than `free_bytes` are free.
        """
        try:
            room = os.statvfs(self.root / "tmp")
        except OSError as error:
            raise store_away(f"The folder {self.root} of the media store is away: {error.strerror}.") from error
        if room.f_flag & os.ST_RDONLY or not os.access(self.root / "tmp", os.W_OK):
            raise store_away(f"The folder {self.root} of the media store cannot be written.")
        if room.f_bavail * room.f_frsize < free_bytes:
            free_mib, least_mib = room.f_bavail * room.f_frsize >> 20, free_bytes >> 20
            raise disk_full(f"The disk of the media store has {free_mib} MiB left, fewer than {least_mib}.")

    def path(self, sha256: str, field: str = "sha256") -> Path:
        """Where the content named `sha256` lies. Raises InvalidInputError or NotFoundError for `field`.

        Its content is checked once, which takes a second for each GB or so.
        """
        path = self._content_path(sha256, field)
        try:
            self._check(path, sha256, field)
        except FileNotFoundError:
            self.require()
            raise self._absence(sha256, field) from None
        return path

    def noting(self, damaged: Callable[[str], None], used: Callable[[str], None] = lambda _: None) -> MediaStore:
        """The same store, for one job.

        `damaged` is called with the name of each damaged file that `recall` meets, `used` with each key that is
        recalled or remembered and the name of what it made.
        """
        store = copy.copy(self)
        store._damaged, store._used = damaged, used
        return store

    def entries(self) -> Iterator[Entry]:
        """Everything in the store but documents and notes; a listing, which takes a while."""
        return entries_of(self.root, *Kind)

    def contents(self, names: Iterable[str]) -> list[Entry]:
        """Those of these contents that are there."""
        paths = {name: path_of(self.root, Kind.CONTENT, name) for name in map(_checked, names)}
        return [entry_of(Kind.CONTENT, path) for path in paths.values() if path.exists()]

    def remove(self, entry: Entry, before_s: float, *, dry_run: bool = False) -> bool:
        """Removes an entry unless somebody has used it at or after `before_s` (Unix time); whether it did, or would."""
        return remove_entry(self.root, entry, before_s, dry_run=dry_run)

    def named_by_libraries(self) -> set[str]:
        """All names that stand in the documents of the libraries."""
        texts = map(self.documents.read, self.documents.names())
        return {name for text in texts for name in names_in(text or "")}

    def key_content(self, key: str) -> str:
        """Name of the content that the recipe whose hash is `key` made; "" where that is not known."""
        noted = self._noted(self.root / "keys" / _checked(key))
        return noted.sha256 if noted else ""

    def scrub(self) -> Iterator[tuple[str, bool]]:
        """Reads all content: each file's name, and whether it is what was written. Damaged ones are set aside."""
        for path in sorted((self.root / "content").glob("*/*")):
            self._whole.pop(path.name, None)
            try:
                self.path(path.name)
                yield path.name, True
            except NotFoundError as error:
                if error.reason == DAMAGED:
                    yield path.name, False

    def put_bytes(self, data: bytes, mime_type: str = "") -> StoredFile:
        """Stores `data`."""
        return self.put_chunks([data], mime_type)

    def put_chunks(self, chunks: Iterable[bytes], mime_type: str = "") -> StoredFile:
        """Stores the concatenation of `chunks` without holding it in memory."""
        with self.temporary() as path:
            with path.open("wb") as file:
                for chunk in chunks:
                    file.write(chunk)
            return self.adopt(path, mime_type)

    def put_file(self, source: Path, mime_type: str = "") -> StoredFile:
        """Stores a copy of `source`."""
        with self.temporary() as path:
            shutil.copyfile(source, path)
            return self.adopt(path, mime_type)

    def adopt(self, path: Path, mime_type: str = "") -> StoredFile:
        """Moves a finished file on the same file system into the store."""
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
        stored = StoredFile(sha256, path.stat().st_size, mime_type)
        self._publish(path, sha256)
        self._move_in(path, sha256)
        return stored

    def _publish(self, path: Path, sha256: str) -> None:
        """Whatever must be done before the file has its name."""

    def _move_in(self, path: Path, sha256: str) -> None:
        """What is there already and whole stays the file that it is: somebody may be about to open it."""
        target = self._content_path(sha256)
        target.parent.mkdir(exist_ok=True)
        with suppress(FileNotFoundError, NotFoundError):
            self._check(target, sha256, "sha256")
        with using(self.root):
            _move_unless_there(path, target)
        self._remember_whole(target)
        (self.root / "damaged" / sha256).unlink(missing_ok=True)
        _fsync_folder(target.parent)

    def discard(self, sha256: str) -> None:
        """Removes the content named `sha256`, if it is there."""
        self._content_path(sha256).unlink(missing_ok=True)

    @contextmanager
    def temporary(self, suffix: str = "") -> Iterator[Path]:
        """A name in the store's own temporary folder; what is still there at the end is removed.

        Raises ExhaustedError (DISK_FULL) when writing to it fills the disk, UnavailableError (STORE_AWAY) when the
        folder has vanished or cannot be written.
        """
        with self._disk_errors():
            handle, name = tempfile.mkstemp(suffix=suffix, dir=self.root / "tmp")
            hold(handle)
            path = Path(name)
            try:
                yield path
            finally:
                os.close(handle)
                path.unlink(missing_ok=True)

    def remember(self, key: str, stored: StoredFile) -> None:
        """Notes that the recipe whose hash is `key` made `stored`."""
        self._write_note(self.root / "keys" / _checked(key), _note_of(stored))
        self._note_use(key, stored)

    def recall(self, key: str) -> StoredFile | None:
        """What the recipe whose hash is `key` made, if it is still there and whole."""
        path = self.root / "keys" / _checked(key)
        if (stored := self._noted(path)) is None:
            return None
        try:
            with using(self.root):
                touch(path)
            self.path(stored.sha256)
        except FileNotFoundError:
            return None
        except NotFoundError:
            if (self.root / "damaged" / stored.sha256).exists():
                self._damaged(stored.sha256)
            return None
        self._note_use(key, stored)
        return stored

    def remember_bytes(self, key: str, data: bytes, mime_type: str = "") -> StoredFile:
        """Stores what the recipe whose hash is `key` made."""
        stored = self.put_bytes(data, mime_type)
        self.remember(key, stored)
        return stored

    def recall_bytes(self, key: str) -> tuple[StoredFile, bytes] | None:
        """What the recipe whose hash is `key` made, and its content, if it is still there and whole."""
        if (stored := self.recall(key)) is None:
            return None
        return stored, self.path(stored.sha256).read_bytes()

    def note(self, key: str, stored: StoredFile) -> None:
        """Keeps `stored` under `key` for good, also when the content itself is no longer needed."""
        self._write_note(self.root / "notes" / _checked(key), _note_of(stored))

    def noted(self, key: str) -> StoredFile | None:
        """What was noted under `key`; its content need not be there."""
        return self._noted(self.root / "notes" / _checked(key))

    def _note_use(self, key: str, stored: StoredFile) -> None:
        for name in (key, stored.sha256):
            self._used(name)

    def _write_note(self, target: Path, text: str) -> None:
        with self.temporary() as path:
            with path.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            with using(self.root):
                path.replace(target)
        _fsync_folder(target.parent)

    def _noted(self, path: Path) -> StoredFile | None:
        try:
            return read_note(path.read_bytes())
        except FileNotFoundError:
            return None

    def _check(self, path: Path, sha256: str, field: str) -> None:
        """Raises NotFoundError (DAMAGED), once: by then the file is set aside. Raises FileNotFoundError."""
        with using(self.root):
            touch(path)
        with path.open("rb") as file:
            if self._whole.get(sha256) == _signature(os.fstat(file.fileno())):
                return
            if hashlib.file_digest(file, "sha256").hexdigest() == sha256:
                self._remember_whole(path)
                return
        _LOG.error("the file %s of the media store is damaged and set aside", sha256)
        with self._disk_errors(), suppress(FileNotFoundError):  # another process has found it too
            path.replace(self.root / "damaged" / sha256)
        problem = f"The file {sha256} is damaged: it is not what was written."
        raise NotFoundError(problem, "Upload it again, or make it again.", field, DAMAGED)

    def _remember_whole(self, path: Path) -> None:
        if len(self._whole) >= _REMEMBERED_FILES:
            self._whole.clear()
        self._whole[path.name] = _signature(path.stat())

    def _absence(self, sha256: str, field: str) -> NotFoundError:
        if (self.root / "damaged" / sha256).exists():
            problem, remedy = f"The file {sha256} was found damaged.", "Upload it again, or make it again."
            return NotFoundError(problem, remedy, field, DAMAGED)
        return NotFoundError(f"The media store has no file {sha256}.", "Upload it first.", field)

    @contextmanager
    def _disk_errors(self) -> Iterator[None]:
        """Tells what is wrong with the disk, if anything is; other errors of the system pass."""
        try:
            yield
        except OSError as error:
            if is_disk_full(error):
                raise disk_full() from error
            self.require()
            raise

    def _content_path(self, sha256: str, field: str = "sha256") -> Path:
        return path_of(self.root, Kind.CONTENT, _checked(sha256, field))


def read_note(text: bytes) -> StoredFile | None:
    """The file that a key or a note names; None for one that is damaged."""
    try:
        sha256, size, mime_type = text.decode().split(" ", 2)
        return StoredFile(_checked(sha256), int(size), mime_type)
    except (ValueError, InvalidInputError):
        return None


def _note_of(stored: StoredFile) -> str:
    return f"{stored.sha256} {stored.size_bytes} {stored.mime_type}"


def media_ref(file: StoredFile) -> media_pb2.MediaRef:
    """The reference that names a file in a message; its reader finds it in its own store."""
    from vigent.media.v1 import media_pb2  # engines read the store too, without protobuf

    return media_pb2.MediaRef(sha256=file.sha256, size_bytes=file.size_bytes, mime_type=file.mime_type)


def recipe_key(*parts: object) -> str:
    """Hash of everything that makes a piece; parts must have a stable `repr`."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _move_unless_there(path: Path, target: Path) -> None:
    try:
        with suppress(FileExistsError):
            os.link(path, target)
        path.unlink()
    except OSError:  # a file system without hard links
        path.replace(target)


def _checked(sha256: str, field: str = "sha256") -> str:
    if len(sha256) != 64 or not _SHA256_DIGITS.issuperset(sha256):
        raise InvalidInputError(f"{sha256[:80]!r} is not a SHA-256.", "Give 64 lower-case hexadecimal digits.", field)
    return sha256


def _signature(stat: os.stat_result) -> tuple[int, int, int]:
    """Changes whenever the file is written to."""
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


def _fsync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
