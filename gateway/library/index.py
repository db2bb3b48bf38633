"""What users have added: one small JSON file per kind, written whole under a lock, so that processes can share it."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar

from pydantic import TypeAdapter, ValidationError

from services.base.errors import InternalError

_VERSION = 1


class Entry(Protocol):
    """A pydantic model with an id."""

    @property
    def id(self) -> str:
        """No other entry has it."""

    def model_dump(self, *, mode: Literal["json"]) -> dict[str, Any]:
        """As pydantic has it."""


EntryT = TypeVar("EntryT", bound=Entry)


class Index(Generic[EntryT]):
    """Entries of one kind, oldest first, kept in `path`."""

    def __init__(self, path: Path, entry_type: type[EntryT]) -> None:
        self._path = path
        self._entries_type = TypeAdapter(list[entry_type])  # type: ignore[valid-type]

    def entries(self) -> list[EntryT]:
        """All entries. Raises InternalError when the file has been damaged."""
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
            return self._entries_type.validate_python(content["entries"])
        except FileNotFoundError:
            return []
        except (ValueError, KeyError, ValidationError) as error:
            raise InternalError(
                f"The index {self._path} is damaged.", "Restore it from a backup, or move it away."
            ) from error

    def put(self, entry: EntryT) -> None:
        """Adds the entry, or replaces the one with its id."""
        self._change(lambda entries: [*(kept for kept in entries if kept.id != entry.id), entry])

    def remove(self, entry_id: str) -> None:
        """Removes the entry; nothing happens when there is none."""
        self._change(lambda entries: [kept for kept in entries if kept.id != entry_id])

    def _change(self, edit: Callable[[list[EntryT]], list[EntryT]]) -> None:
        with self._locked():
            entries = [entry.model_dump(mode="json") for entry in edit(self.entries())]
            self._write(json.dumps({"version": _VERSION, "entries": entries}, ensure_ascii=False, indent=1))

    def _write(self, text: str) -> None:
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(self._path)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
