"""API keys: who has which, kept as hashes in a file that is read again when it changes.

A key is "vigent_<id>_<secret>". Its secret is 256 random bits, so one round of SHA-256 keeps it as safe as many would.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from gateway.access.rules import Scope
from gateway.library.index import Index
from services.base.errors import AlreadyExistsError, InvalidInputError, NotFoundError, VigentError
from services.media.storage.documents import FolderDocuments

_PREFIX = "vigent"
_LOG = logging.getLogger(__name__)
_LOOK_S = 1.0


class Secret(BaseModel):
    """What is kept of one secret."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sha256: str = Field(description="Hash of the whole key, in hexadecimal.")
    until: datetime | None = Field(None, description="When it ends; never, when left out.")

    def valid(self, now: datetime) -> bool:
        """Whether it has not ended."""
        return self.until is None or now < self.until


class Key(BaseModel):
    """A key, without its secret."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(description="Stands in the key itself.", pattern="^[0-9a-f]{8}$")
    name: str = Field(description="Who or what uses it.")
    scopes: list[Scope] = Field(description="What it may do; admin may do all.")
    created: datetime = Field(description="When it was made.")
    requests_per_minute: int | None = Field(None, description="Requests it may make in a minute.", ge=1)
    unfinished_jobs: int | None = Field(None, description="Jobs of its own that may wait or run.", ge=1)
    weight: int = Field(1, description="Its share where keys wait for each other, beside the others' weights.", ge=1)
    secrets: list[Secret] = Field(description="Its secret, and after a rotation the one before for a while.")

    def valid(self, now: datetime) -> bool:
        """Whether any of its secrets has not ended."""
        return any(secret.valid(now) for secret in self.secrets)


class NewKey(NamedTuple):
    """A key as it was just made: the only moment in which its text is known."""

    key: Key
    text: str


class KeyFile:
    """The keys in a file, which `vigent keys` changes and the gateway reads."""

    def __init__(self, path: Path) -> None:
        """Raises InvalidInputError unless `path` ends in .json, as documents do."""
        if path.suffix != ".json":
            problem = f"The file of keys is called {path.name}."
            raise InvalidInputError(problem, "Give it a name that ends in .json.", "keys_file")
        self.path = path
        self._index = Index(FolderDocuments(path.parent), path.stem, Key)

    def all(self) -> list[Key]:
        """All keys, oldest first. Raises InternalError for a damaged file."""
        return self._index.entries()

    def add(self, key: Key, lasts: timedelta | None = None) -> NewKey:
        """Keeps a new key, whose secret is made here. Raises AlreadyExistsError for a name that is taken."""
        if any(other.name == key.name for other in self.all()):
            raise AlreadyExistsError(
                f"There is a key {key.name!r} already.", "Rotate it, or choose another name.", "name"
            )
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return self._renewed(key, [], lasts)

    def rotate(self, name: str, overlap: timedelta, lasts: timedelta | None = None) -> NewKey:
        """Gives a key a new secret; the one before ends after `overlap`. Raises NotFoundError."""
        key, now = self._named(name), datetime.now(UTC)
        ends = now + overlap
        older = [
            old.model_copy(update={"until": min(old.until or ends, ends)}) for old in key.secrets if old.valid(now)
        ]
        return self._renewed(key, [old for old in older if old.valid(now)], lasts)

    def remove(self, name: str) -> None:
        """Forgets a key, which ends at once. Raises NotFoundError."""
        self._index.remove(self._named(name).id)

    def _named(self, name: str) -> Key:
        for key in self.all():
            if name in {key.name, key.id}:
                return key
        raise NotFoundError(f"There is no key {name[:40]!r}.", "`vigent keys list` names them.", "name")

    def _renewed(self, key: Key, older: list[Secret], lasts: timedelta | None) -> NewKey:
        text = f"{_PREFIX}_{key.id}_{secrets.token_urlsafe(32)}"
        secret = Secret(sha256=_sha256(text), until=datetime.now(UTC) + lasts if lasts else None)
        renewed = key.model_copy(update={"secrets": [secret, *older]})
        self._index.put(renewed)
        return NewKey(renewed, text)


class KeyRing:
    """The keys as they are now: looks at the file again when it has changed, at most once a second."""

    def __init__(self, file: KeyFile) -> None:
        self._file = file
        self._looked_s = -_LOOK_S
        self._stamp: object = None
        self._keys: dict[str, Key] = {}

    def of(self, text: str) -> Key | None:
        """The key that is written as `text`; None when there is none, or it has ended."""
        prefix, _, rest = text.partition("_")
        key = self.by_id(rest.partition("_")[0]) if prefix == _PREFIX else None
        now, sha256 = datetime.now(UTC), _sha256(text)
        if key and any(hmac.compare_digest(secret.sha256, sha256) and secret.valid(now) for secret in key.secrets):
            return key
        return None

    def by_id(self, key_id: str) -> Key | None:
        """The key with this id, whatever its secret; None when there is none."""
        self._look()
        return self._keys.get(key_id)

    def all(self) -> list[Key]:
        """Every key."""
        self._look()
        return list(self._keys.values())

    def _look(self) -> None:
        """A file that is damaged for now leaves the keys as they were; one that is gone leaves none."""
        if time.monotonic() - self._looked_s < _LOOK_S:
            return
        self._looked_s = time.monotonic()
        stamp = _stamp(self._file.path)
        if stamp == self._stamp:
            return
        try:
            self._keys = {key.id: key for key in self._file.all()}
            self._stamp = stamp
        except VigentError as error:
            _LOG.error("%s", error)


def new_key_id() -> str:
    """An id for a new key."""
    return secrets.token_hex(4)


def _stamp(path: Path) -> object:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
