"""What users have added: one document of the media store per kind, so that processes can share it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from gateway.library.assets import Asset
from services.base.errors import InternalError
from services.media.storage.documents import Documents

_VERSION = 1
AssetT = TypeVar("AssetT", bound=Asset)


class Index(Generic[AssetT]):
    """Entries of one kind, oldest first, kept in the document `name`."""

    def __init__(self, documents: Documents, name: str, asset_type: type[AssetT]) -> None:
        self._documents, self._name = documents, name
        self._entries_type = TypeAdapter(list[asset_type])  # type: ignore[valid-type]

    def entries(self) -> list[AssetT]:
        """All entries. Raises InternalError when the document has been damaged."""
        return self._parsed(self._documents.read(self._name))

    def put(self, entry: AssetT) -> None:
        """Adds the entry, or replaces the one with its id."""
        self._change(lambda entries: [*(kept for kept in entries if kept.id != entry.id), entry])

    def remove(self, asset_id: str) -> None:
        """Removes the entry; nothing happens when there is none."""
        self._change(lambda entries: [kept for kept in entries if kept.id != asset_id])

    def _parsed(self, text: str | None) -> list[AssetT]:
        if text is None:
            return []
        try:
            return self._entries_type.validate_python(json.loads(text)["entries"])
        except (ValueError, KeyError, ValidationError) as error:
            place = self._documents.place(self._name)
            raise InternalError(
                f"The index {place} is damaged.", "Restore it from a backup, or move it away."
            ) from error

    def _change(self, edit: Callable[[list[AssetT]], list[AssetT]]) -> None:
        def edited(text: str | None) -> str:
            entries = [entry.model_dump(mode="json") for entry in edit(self._parsed(text))]
            return json.dumps({"version": _VERSION, "entries": entries}, ensure_ascii=False, indent=1)

        self._documents.edit(self._name, edited)
