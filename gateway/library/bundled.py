"""What comes with Vigent: read-only folders, each with a manifest named after its kind, and styles as single files."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.library.assets import Kind, StyleRole

_FOLDERS: dict[Kind, str] = {"footage": "demo"}
STYLE_ROLES: tuple[StyleRole, ...] = ("subtitle", "title")


@dataclass(frozen=True)
class BundledFile:
    """A file with what its manifest says of it: names by language, licence, source, and all of it as `facts`."""

    path: Path
    names: dict[str, str] = field(default_factory=dict)
    licence: str = ""
    source: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The English name, else any, else the file's."""
        return self.names.get("en") or next(iter(self.names.values()), self.path.stem)


def bundled_files(root: Path, kind: Kind) -> list[BundledFile]:
    """The bundled files of a kind, in the manifest's order; none where there is no manifest."""
    if kind == "styles":
        return [
            _bundled_style(path) for role in STYLE_ROLES for path in sorted((root / "styles" / role).glob("*.json"))
        ]
    manifest = root / _FOLDERS.get(kind, kind) / f"{kind}.json"
    if not manifest.is_file():
        return []
    entries = json.loads(manifest.read_text(encoding="utf-8"))[kind]
    return [_bundled_file(manifest.parent, entry) for entry in entries]


def _bundled_file(folder: Path, entry: dict[str, Any]) -> BundledFile:
    return BundledFile(
        path=folder / entry["file"],
        names=entry.get("names", {}),
        licence=entry.get("licence", ""),
        source=entry.get("source", ""),
        facts=entry,
    )


def _bundled_style(path: Path) -> BundledFile:
    names = json.loads(path.read_text(encoding="utf-8"))["names"]
    return BundledFile(path, names, "Apache-2.0", "Vigent", {"id": path.stem, "role": path.parent.name})
