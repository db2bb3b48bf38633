"""The manifest of a checkpoint that a test has written."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

MANIFEST = "manifest.json"  # not imported: the GPU bench writes checkpoints too, without pydantic


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
    return {"path": name, "size_bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
