"""What makes a piece: engine, checkpoint, options and code. Part of the recipe under which pieces are kept."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from services.base.source_digest import source_digest

_MANIFEST = "manifest.json"  # as in enginekit.checkpoints, which would import pydantic models
_SERVICES = Path(__file__).parents[1]
_SHARED_ROOMS = ("enginekit", "espeak", "faces", "media", "text", "typography")


def engine_identity(
    engine: str,
    checkpoint: Path | None,
    service: str,
    options: Mapping[str, str],
    version: str = "",
    services: Path = _SERVICES,
) -> str:
    """Name of the engine, digest of its checkpoint, digest of its options and code; ASCII, for metadata.

    The code is that of the service and of the rooms that engines use. The code that serves (runtime, base) is left
    out: it carries what an engine makes unchanged, so that users keep their pieces when it is mended.
    `version` is what the engine reports, such as the browser that it draws with.
    """
    code = source_digest(services / service, *(services / room for room in _SHARED_ROOMS))
    rest = hashlib.sha256(repr((code, sorted(options.items()), version)).encode()).hexdigest()[:16]
    return f"{ascii(engine)[1:-1]} {checkpoint_digest(checkpoint) if checkpoint else ''} {rest}"


def checkpoint_digest(folder: Path) -> str:
    """First 16 hexadecimal digits of a SHA-256 over the manifest, which has a hash of every file, and all file sizes.

    Sizes count because an operator may add files to those of the manifest, as for InsightFace. A folder that
    cannot be read has the digest of an empty one: its engine cannot be loaded either.
    """
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder).as_posix()}\0{path.stat().st_size}\0".encode())
    if (folder / _MANIFEST).is_file():
        digest.update((folder / _MANIFEST).read_bytes())
    return digest.hexdigest()[:16]
