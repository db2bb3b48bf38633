"""What users have added: one small JSON file per kind, written whole under a lock, so that processes can share it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from gateway.library.assets import Asset
from gateway.whole_files import locked, write_whole
from services.base.errors import InternalError

_VERSION = 1
AssetT = TypeVar("AssetT", bound=Asset)


class Index(Generic[AssetT]):
    """Entries of one kind, oldest first, kept in `path`."""

    def __init__(self, path: Path, asset_type: type[AssetT]) -> None:
        self._path = path
        self._entries_type = TypeAdapter(list[asset_type])  # type: ignore[valid-type]
        path.parent.mkdir(parents=True, exist_ok=True)

    def entries(self) -> list[AssetT]:
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

    def put(self, entry: AssetT) -> None:
        """Adds the entry, or replaces the one with its id."""
        self._change(lambda entries: [*(kept for kept in entries if kept.id != entry.id), entry])

    def remove(self, asset_id: str) -> None:
        """Removes the entry; nothing happens when there is none."""
        self._change(lambda entries: [kept for kept in entries if kept.id != asset_id])

    def _change(self, edit: Callable[[list[AssetT]], list[AssetT]]) -> None:
        with locked(self._path.with_suffix(".lock")):
            entries = [entry.model_dump(mode="json") for entry in edit(self.entries())]
            write_whole(self._path, json.dumps({"version": _VERSION, "entries": entries}, ensure_ascii=False, indent=1))
