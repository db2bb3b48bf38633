"""The manifest of a checkpoint that a test has written."""

from __future__ import annotations

import json
from pathlib import Path

from services.enginekit.checkpoints import MANIFEST, sha256_of


def describe(folder: Path, **fields: object) -> Path:
    """Writes the manifest of the files that lie in `folder`, with these further fields, and returns the folder."""
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    manifest = {
        "licence": "none: random numbers",
        "files": [_entry(folder, name) for name in names if name != MANIFEST],
        **fields,
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2), encoding="utf-8")
    return folder


def _entry(folder: Path, name: str) -> dict[str, str | int]:
    path = folder / name
    return {"path": name, "size_bytes": path.stat().st_size, "sha256": sha256_of(path)}
