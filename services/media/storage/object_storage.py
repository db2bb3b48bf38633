"""S3-compatible storage, by obstore: whole objects and ranges of them, conditional writes, and patience.

Credentials, endpoint and region come from the environment alone, under the names that all of S3's tools read
(AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL, AWS_REGION, or a web identity). None is logged: of errors
only the kind and the name of the object are told.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from services.base.deadline import time_left_s
from services.base.disk import store_away
from services.base.errors import FailedPreconditionError, InvalidInputError

try:
    import obstore
    from obstore.exceptions import AlreadyExistsError, BaseError, PermissionDeniedError, PreconditionError
    from obstore.exceptions import UnauthenticatedError as NotSignedIn
    from obstore.store import S3Store
except ImportError as missing:
    _WHY = f"{missing.name} is not installed"
    raise FailedPreconditionError(
        f"The media store is on S3, and {_WHY}.", "pip install 'vigent[object-storage]'.", "VIGENT_OBJECT_STORAGE"
    ) from missing

_T = TypeVar("_T")
_PART_BYTES = 8 << 20
_PARTS_AT_ONCE = 4
_CALL_S = 30.0
"""The longest that one request may take, a part of 8 MiB among them."""
_PATIENCE_S, _UPLOAD_PATIENCE_S = 20.0, 120.0
"""How long a call is tried again, when nobody waits who has less time: an upload is the fruit of long work."""
_TO_ANSWER_S = 0.5
_PASSES = (PermissionDeniedError, NotSignedIn, PreconditionError, AlreadyExistsError)


@dataclass(frozen=True)
class Version:
    """What an object is now: its length, when it was written (Unix time, whole seconds), its entity tag."""

    name: str
    size_bytes: int
    written_s: float
    e_tag: str | None


class ChangedMeanwhileError(Exception):
    """Somebody else has written the object."""


class ObjectStorage:
    """The objects below one prefix of a bucket. All methods block.

    All raise UnavailableError (STORE_AWAY) when the storage does not answer for a while, or by the end of the time that
    the caller has left, and FailedPreconditionError when it refuses the credentials.
    """

    def __init__(self, url: str) -> None:
        """`url` is s3://BUCKET or s3://BUCKET/PREFIX. Raises InvalidInputError."""
        parts = urlsplit(url)
        if parts.scheme != "s3" or not parts.hostname or "@" in parts.netloc or parts.query:
            problem = "This is no address of object storage."  # not quoted: it may hold a password
            raise InvalidInputError(problem, "Give s3://BUCKET or s3://BUCKET/PREFIX.", "VIGENT_OBJECT_STORAGE")
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL", "")
        self.url = url
        self._store = S3Store(
            parts.netloc,
            prefix=parts.path.strip("/") or None,
            config={"endpoint": endpoint} if endpoint else None,
            client_options={"allow_http": endpoint.startswith("http://"), "timeout": timedelta(seconds=_CALL_S)},
            retry_config={
                "max_retries": 3,
                "retry_timeout": timedelta(seconds=_CALL_S),
                "backoff": {"init_backoff": timedelta(seconds=0.1), "max_backoff": timedelta(seconds=1)},
            },
        )

    def put(self, name: str, data: bytes) -> None:
        """Writes a small object, whatever it was."""
        self._tried(name, lambda: obstore.put(self._store, name, data, use_multipart=False))

    def put_file(self, name: str, path: Path) -> None:
        """Writes a file, in parts if it is large; the object is there when it is whole."""

        def put() -> object:
            return obstore.put(self._store, name, path, chunk_size=_PART_BYTES, max_concurrency=_PARTS_AT_ONCE)

        self._tried(name, put, _UPLOAD_PATIENCE_S)

    def replace(self, name: str, data: bytes, known: Version | None) -> None:
        """Writes an object that is still `known`, or is not there for None. Raises ChangedMeanwhileError."""
        try:
            mode: obstore.PutMode = {"e_tag": known.e_tag} if known else "create"
            self._tried(name, lambda: obstore.put(self._store, name, data, mode=mode))
        except (PreconditionError, AlreadyExistsError) as error:
            raise ChangedMeanwhileError from error

    def look(self, name: str) -> Version:
        """Raises FileNotFoundError."""
        return _version(self._tried(name, lambda: obstore.head(self._store, name)))

    def read(self, name: str) -> tuple[bytes, Version]:
        """A small object. Raises FileNotFoundError."""

        def get() -> tuple[bytes, Version]:
            found = obstore.get(self._store, name)
            return bytes(found.bytes()), _version(found.meta)

        return self._tried(name, get)

    def fetch(self, name: str, target: Path) -> None:
        """Copies an object to a file, in ranges side by side: one that breaks off is asked for again, not all of them.

        Raises FileNotFoundError, and OSError of the disk.
        """
        size = self.look(name).size_bytes
        with target.open("wb") as file:
            file.truncate(size)

            def part(start: int) -> None:
                ask = partial(obstore.get_range, self._store, name, start=start, end=min(size, start + _PART_BYTES))
                os.pwrite(file.fileno(), self._tried(name, lambda: bytes(ask())), start)

            with ThreadPoolExecutor(_PARTS_AT_ONCE) as threads:
                for done in [threads.submit(part, start) for start in range(0, size, _PART_BYTES)]:
                    done.result()

    def delete(self, name: str) -> None:
        """Removes an object, if it is there."""
        self._tried(name, lambda: obstore.delete(self._store, name))

    def move(self, name: str, to: str) -> None:
        """Gives an object another name. Raises FileNotFoundError."""
        self._tried(name, lambda: obstore.rename(self._store, name, to))

    def below(self, folder: str) -> Iterator[Version]:
        """All objects whose names begin with `folder`/; a listing, for nothing in a hurry."""
        listed = self._tried(folder, lambda: [meta for page in obstore.list(self._store, folder) for meta in page])
        return map(_version, listed)

    def _tried(self, name: str, call: Callable[[], _T], patience_s: float = _PATIENCE_S) -> _T:
        if (left_s := time_left_s()) is not None:
            patience_s = max(0.0, min(patience_s, left_s - _TO_ANSWER_S))
        retrying = Retrying(
            stop=stop_after_delay(patience_s),
            wait=wait_random_exponential(0.3, 5.0),
            retry=retry_if_exception(_may_pass),
            retry_error_callback=partial(_give_up, name),
        )
        try:
            return retrying(call)
        except (PermissionDeniedError, NotSignedIn) as error:
            problem = f"The object storage {self.url} refuses this process."
            remedy = "Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and the rights on the bucket."
            raise FailedPreconditionError(problem, remedy, "VIGENT_OBJECT_STORAGE") from error


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, BaseError) and not isinstance(error, _PASSES)


def _give_up(name: str, state: RetryCallState) -> None:
    assert state.outcome is not None
    error = state.outcome.exception()
    raise store_away(f"The object storage does not answer ({name}: {type(error).__name__}).") from error


def _version(meta: obstore.ObjectMeta) -> Version:
    return Version(meta["path"], meta["size"], meta["last_modified"].timestamp(), meta["e_tag"])
