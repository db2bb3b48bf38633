"""Secrets on the disk: encrypted with a key that lies in a file of its own, which only its user may read."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from services.base.errors import InternalError


class Vault:
    """Encrypts and authenticates texts (Fernet: AES-128-CBC, HMAC-SHA256)."""

    def __init__(self, key_file: Path) -> None:
        """Makes the key where there is none. Raises InternalError for a file that others can read, or is no key."""
        self._key_file = key_file
        with suppress(FileExistsError):
            _write_new(key_file, Fernet.generate_key())
        if key_file.stat().st_mode & 0o077:  # as volumes with a group of their own have it after a restart
            key_file.chmod(0o600)
        if key_file.stat().st_mode & 0o077:
            raise InternalError(f"Others may read {key_file}.", f"Run `chmod 600 {key_file}`.", reason="KEY_IS_OPEN")
        try:
            self._fernet = Fernet(key_file.read_bytes())
        except ValueError as error:
            raise InternalError(f"{key_file} holds no key.", "Restore it from a backup.", reason="NO_KEY") from error

    def locked(self, text: str) -> str:
        """The text, encrypted; nothing stays nothing."""
        return self._fernet.encrypt(text.encode()).decode() if text else ""

    def opened(self, locked: str) -> str:
        """The text again. Raises InternalError when it was encrypted with another key, or changed."""
        try:
            return self._fernet.decrypt(locked.encode()).decode() if locked else ""
        except InvalidToken as error:
            problem = f"What is kept of accounts was not encrypted with {self._key_file}."
            remedy = "Restore that file from a backup, or connect the accounts again."
            raise InternalError(problem, remedy, reason="WRONG_KEY") from error


def _write_new(path: Path, content: bytes) -> None:
    """Whole or not at all, with nobody else's rights. Raises FileExistsError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            os.fsync(file.fileno())
        os.link(draft, path)
    finally:
        draft.unlink()
