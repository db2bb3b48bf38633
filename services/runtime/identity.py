"""Who made a piece: the engine, its weights and its code. Part of the recipe under which pieces are kept."""

from __future__ import annotations

import hashlib
from pathlib import Path

ENGINE_METADATA_KEY = "vigent-engine"
"""Initial metadata of every health check: a caller learns the identity without starting work."""


def engine_identity(engine: str, checkpoint: Path | None, service_folder: Path) -> str:
    """Name of the engine, name of its checkpoint folder, digest of the service's code; ASCII, for metadata."""
    weights = ascii(checkpoint.name) if checkpoint else ""
    return f"{ascii(engine)[1:-1]} {weights} {source_digest(service_folder)}"


def source_digest(folder: Path) -> str:
    """First 16 hexadecimal digits of the SHA-256 over all Python files below `folder`: changes with the code."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
