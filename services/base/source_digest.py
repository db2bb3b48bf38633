"""A digest of code: pieces made by different code are made again."""

from __future__ import annotations

import hashlib
from pathlib import Path


def source_digest(*folders: Path) -> str:
    """First 16 hexadecimal digits of the SHA-256 over all Python files below `folders`: changes with the code.

    The location of the folders does not count, so that two installations of one version agree.
    """
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            name = f"{folder.name}/{path.relative_to(folder).as_posix()}"
            digest.update(name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]
