"""What users have added: one document of the media store per kind, so that processes can share it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Generic, Literal, Protocol, TypeVar

from pydantic import TypeAdapter, ValidationError

from services.base.errors import InternalError
from services.media.storage.documents import Documents

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
    """Entries of one kind, oldest first, kept in the document `name`."""

    def __init__(self, documents: Documents, name: str, entry_type: type[EntryT]) -> None:
        self._documents, self._name = documents, name
        self._entries_type = TypeAdapter(list[entry_type])  # type: ignore[valid-type]

    def entries(self) -> list[EntryT]:
        """All entries. Raises InternalError when the document has been damaged."""
        return self._parsed(self._documents.read(self._name))

    def put(self, entry: EntryT) -> None:
        """Adds the entry, or replaces the one with its id."""
        self._change(lambda entries: [*(kept for kept in entries if kept.id != entry.id), entry])

    def remove(self, entry_id: str) -> None:
        """Removes the entry; nothing happens when there is none."""
        self._change(lambda entries: [kept for kept in entries if kept.id != entry_id])

    def _parsed(self, text: str | None) -> list[EntryT]:
        if text is None:
            return []
        try:
            return self._entries_type.validate_python(json.loads(text)["entries"])
        except (ValueError, KeyError, ValidationError) as error:
            place = self._documents.place(self._name)
            raise InternalError(
                f"The index {place} is damaged.", "Restore it from a backup, or move it away."
            ) from error

    def _change(self, edit: Callable[[list[EntryT]], list[EntryT]]) -> None:
        def edited(text: str | None) -> str:
            entries = [entry.model_dump(mode="json") for entry in edit(self._parsed(text))]
            return json.dumps({"version": _VERSION, "entries": entries}, ensure_ascii=False, indent=1)

        self._documents.edit(self._name, edited)
