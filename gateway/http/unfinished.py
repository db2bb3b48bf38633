"""Uploads that may break off and go on: what has arrived of each, and what was said of it, in a folder of the store.

tuspyserver speaks the protocol. Its own folder notes how far an upload is after each request, and appends to the file:
after a gateway that was killed in between it would go on at the wrong place. Here the length of the file alone says how
far an upload is. On several machines without a common folder, an upload has to come back to the gateway that began it.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, cast

from starlette.exceptions import HTTPException
from tuspyserver.storage import TusStorage

from gateway.fields import shortened
from gateway.http.statuses import status_of
from services.base.disk import disk_full, is_disk_full
from services.base.errors import ExhaustedError, FailedPreconditionError, InvalidInputError, NotFoundError, VigentError
from services.media.store import MediaStore

KEPT_DAYS = 1
_KEPT_S = KEPT_DAYS * 24 * 3600
_COLLECT_EVERY_S = 3600
_MOST = 200
_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)


class RefusedError(HTTPException):
    """One of our errors on its way through tuspyserver, which lets only the framework's through."""

    def __init__(self, error: VigentError) -> None:
        super().__init__(status_of(error), error.problem)
        self.error = error


class UnfinishedUploads(TusStorage):
    """Uploads of at most `limit_bytes` that are on their way into a store, written at most `at_once` at a time."""

    _store: MediaStore
    _folder: Path

    def __init__(self, limit_bytes: int, at_once: int) -> None:
        self.limit_bytes = limit_bytes
        self._slots, self._written = asyncio.Semaphore(at_once), dict[str, int]()

    def open(self, store: MediaStore) -> None:
        """Before the first request: routes are made before there is a store."""
        self._store, self._folder = store, store.root / "uploads"
        self._folder.mkdir(exist_ok=True)

    async def admit(self, _metadata: dict[str, str], asked: dict[str, Any]) -> None:
        """Refuses, before anything is sent, what will not fit beside the uploads that are under way."""
        size = asked["size"]
        if size is None or size < 0:
            remedy = "Say how many bytes will come."
            raise InvalidInputError(f"{size} is no length of an upload.", remedy, "Upload-Length", "MISSING")
        if size > self.limit_bytes:
            raise HTTPException(413, f"The upload has {size:,} bytes, the limit is {self.limit_bytes:,}")
        await asyncio.to_thread(self._require, size)

    def _require(self, size: int) -> None:
        self.collect()
        missing = [self._size_of(uid) - self.arrived(uid) for uid in self._ids()]
        if len(missing) >= _MOST:
            problem = f"{_MOST} uploads are unfinished."
            raise ExhaustedError(problem, "End some of them.", "upload", "TOO_MANY_UPLOADS", 60.0)
        self._store.require(size + sum(missing))

    def collect(self) -> None:
        """Removes those that got nothing for a day."""
        for path in self._folder.iterdir():
            try:
                if time.time() - path.stat().st_mtime > _KEPT_S:
                    path.unlink()
            except FileNotFoundError:  # its maker was faster
                continue

    async def collect_until(self, stopping: asyncio.Event) -> None:
        """Collects once an hour."""
        while not stopping.is_set():
            await asyncio.to_thread(self.collect)
            with suppress(TimeoutError):
                async with asyncio.timeout(_COLLECT_EVERY_S):
                    await stopping.wait()

    def claim(self, uid: str, target: Path) -> str:
        """Gives a whole upload the name `target` too, and returns its own; `remove` it when it is taken.

        Raises NotFoundError and, unless it is whole, FailedPreconditionError.
        """
        info = self._read_info(uid)
        if info is None:
            raise NotFoundError(f"There is no upload {shortened(uid)}.", "Begin it anew.", "upload", "UPLOAD_NOT_FOUND")
        if info["offset"] != info["size"]:
            problem = f"{info['offset']:,} of the {info['size']:,} bytes of the upload have arrived."
            raise FailedPreconditionError(problem, "Send the rest.", "upload", "UPLOAD_UNFINISHED")
        target.unlink()
        os.link(self._path(uid), target)
        os.utime(target)  # what is old there counts as abandoned
        return str(info["metadata"].get("filename", ""))

    def remove(self, uid: str) -> None:
        """Forgets an upload."""
        for path in (self._path(uid), self._note(uid)):
            path.unlink(missing_ok=True)

    def arrived(self, uid: str) -> int:
        """How many bytes are here."""
        path = self._path(uid)
        return path.stat().st_size if path.exists() else 0

    @asynccontextmanager
    async def lock(self, uid: str) -> AsyncIterator[None]:  # type: ignore[override]  # which it is called as
        """For one writer in all processes. Raises ExhaustedError, or FailedPreconditionError while another writes."""
        if self._slots.locked():
            problem = "Too many uploads are under way."
            raise ExhaustedError(problem, "Try again soon.", "upload", "TOO_MANY_UPLOADS", 5.0)
        async with self._slots:
            with self._locked(uid) as handle:
                self._written[uid] = handle
                try:
                    yield
                finally:
                    del self._written[uid]

    @contextmanager
    def _locked(self, uid: str) -> Iterator[int]:
        handle = os.open(self._path(uid), os.O_WRONLY | os.O_APPEND)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield handle
        except BlockingIOError:
            problem = "The upload is being sent by another request."
            raise FailedPreconditionError(problem, "Wait for its end.", "upload", "UPLOAD_BUSY") from None
        finally:
            os.close(handle)

    async def append(self, uid: str, chunk: bytes) -> None:
        """Writes at once: what has arrived outlives this process."""
        try:
            await asyncio.to_thread(_write, self._written[uid], chunk)
        except OSError as error:
            if is_disk_full(error):
                raise RefusedError(disk_full()) from error
            raise

    async def flush(self, uid: str) -> None:
        """To the disk itself."""
        await asyncio.to_thread(os.fsync, self._written[uid])

    async def finalize(self, uid: str) -> None:
        """Nothing: it is whole by its length."""

    async def create(self, uid: str) -> None:
        """An upload of which nothing has arrived."""
        await asyncio.to_thread(self._path(uid).touch)

    async def exists(self, uid: str) -> bool:
        """Whether it has been begun, and is neither taken nor collected."""
        return _ID.fullmatch(uid) is not None and self._path(uid).exists()

    async def size(self, uid: str) -> int:
        """As `arrived`."""
        return self.arrived(uid) if await self.exists(uid) else 0

    async def read(self, uid: str) -> bytes | None:
        """Not offered: an upload may be larger than the memory."""
        raise NotImplementedError

    async def delete(self, uid: str) -> None:
        """As `remove`."""
        await asyncio.to_thread(self.remove, uid)

    async def read_info(self, uid: str) -> dict[str, Any] | None:
        """What was said of it, and how far it is."""
        return await asyncio.to_thread(self._read_info, uid)

    async def write_info(self, uid: str, data: dict[str, Any]) -> None:
        """Keeps what was said of it."""
        await asyncio.to_thread(self._write_info, uid, data)

    async def list_uids(self) -> list[str]:
        """Of all."""
        return await asyncio.to_thread(self._ids)

    def location(self, uid: str) -> str:
        """Where it lies."""
        return str(self._path(uid))

    def _ids(self) -> list[str]:
        return [path.name for path in self._folder.iterdir() if _ID.fullmatch(path.name)]

    def _size_of(self, uid: str) -> int:
        info = self._read_info(uid)
        return info["size"] if info else 0

    def _read_info(self, uid: str) -> dict[str, Any] | None:
        if not _ID.fullmatch(uid):
            return None
        try:
            info = cast("dict[str, Any]", json.loads(self._note(uid).read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError):
            return None
        return {**info, "offset": self.arrived(uid)}

    def _write_info(self, uid: str, data: dict[str, Any]) -> None:
        with self._store.temporary() as path:
            path.write_text(json.dumps(data), encoding="utf-8")
            path.replace(self._note(uid))

    def _path(self, uid: str) -> Path:
        return self._folder / uid

    def _note(self, uid: str) -> Path:
        return self._folder / f"{uid}.json"


def _write(handle: int, chunk: bytes) -> None:
    left = memoryview(chunk)
    while left:
        left = left[os.write(handle, left) :]
