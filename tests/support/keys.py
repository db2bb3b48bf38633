"""Keys as a gateway of the tests knows them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.access.keys import Key, KeyFile, new_key_id
from gateway.access.rules import Scope

NOBODY_UID = 65_534


def made(path: Path, name: str, scopes: Sequence[Scope], **limits: Any) -> str:
    """A new key in the file, as its user has it."""
    key = Key(id=new_key_id(), name=name, scopes=list(scopes), created=datetime.now(UTC), secrets=[], **limits)
    return KeyFile(path).add(key).text


def bearer(text: str) -> dict[str, str]:
    """The header that a key is sent in."""
    return {"Authorization": f"Bearer {text}"}


@contextmanager
def another_user() -> Iterator[None]:
    """Sockets made inside belong to another user, as far as the kernel is concerned. For root only."""
    os.seteuid(NOBODY_UID)
    try:
        yield
    finally:
        os.seteuid(0)
