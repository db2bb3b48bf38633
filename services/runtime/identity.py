"""What makes a piece: engine, weights, code and options. Part of the recipe by which finished pieces are kept."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

ENGINE_METADATA_KEY = "vigent-engine"
"""Key of the identity in the initial metadata of every health check: callers learn it without starting work."""

_RUNTIME = Path(__file__).parent


def engine_identity(engine: str, checkpoint: Path | None, service_folder: Path, options: Mapping[str, str]) -> str:
    """Name of the engine, name of its checkpoint folder, digest of the rest; ASCII, for metadata.

    The rest is the code of the service, the code of the runtime, and the options: all of them change what is made.
    """
    weights = ascii(checkpoint.name) if checkpoint else ""
    rest = repr((source_digest(service_folder), source_digest(_RUNTIME), sorted(options.items())))
    return f"{ascii(engine)[1:-1]} {weights} {hashlib.sha256(rest.encode()).hexdigest()[:16]}"


def source_digest(folder: Path) -> str:
    """First 16 hexadecimal digits of the SHA-256 over all Python files below `folder`: changes with the code."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
