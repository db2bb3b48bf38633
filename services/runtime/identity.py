"""Who made a piece: engine, weights, code and options. Part of the recipe under which pieces are kept."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

ENGINE_METADATA_KEY = "vigent-engine"
"""Initial metadata of every health check: a caller learns the identity without starting work."""


_RUNTIME = Path(__file__).parent


def engine_identity(
    engine: str, checkpoint: Path | None, service_folder: Path, options: Mapping[str, str], version: str = ""
) -> str:
    """Name of the engine, name of its checkpoint folder, digest of the rest; ASCII, for metadata.

    The rest is the code of the service and of the runtime, which reads, normalises and sets text for the engines, the
    options, since they change what is made, and the engine's own `version`.
    """
    weights = ascii(checkpoint.name) if checkpoint else ""
    rest = repr((source_digest(service_folder), source_digest(_RUNTIME), sorted(options.items()), version))
    return f"{ascii(engine)[1:-1]} {weights} {hashlib.sha256(rest.encode()).hexdigest()[:16]}"


def source_digest(folder: Path) -> str:
    """First 16 hexadecimal digits of the SHA-256 over all Python files below `folder`: changes with the code."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
