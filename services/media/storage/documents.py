"""Small texts that change, such as the indexes of the libraries: each written whole, its changes one after another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from services.media.storage.whole_files import locked, write_whole

Edit = Callable[[str | None], str]
"""Gets the present text, None where there is none, and returns the one that takes its place. May be called again."""


class Documents(Protocol):
    """Where documents are kept."""

    def names(self) -> list[str]:
        """Names of all documents."""
        ...

    def place(self, name: str) -> str:
        """Where people find a document."""
        ...

    def read(self, name: str) -> str | None:
        """The document; None when there is none."""
        ...

    def edit(self, name: str, edit: Edit) -> None:
        """Changes a document, or makes it. No other change comes between."""
        ...


class FolderDocuments:
    """Documents as files `<name>.json` of a folder that processes share, and that is never made anew here."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        """Names of all documents."""
        return sorted(path.stem for path in self._folder.glob("*.json"))

    def place(self, name: str) -> str:
        """Path of a document."""
        return str(self._path(name))

    def read(self, name: str) -> str | None:
        """The document; None when there is none."""
        try:
            return self._path(name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def edit(self, name: str, edit: Edit) -> None:
        """Changes a document, or makes it. No other change comes between."""
        with locked(self._path(name).with_suffix(".lock")):
            write_whole(self._path(name), edit(self.read(name)))

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"
