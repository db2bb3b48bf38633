"""What is never told: passwords, tokens and keys that this process was given, wherever they would turn up."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote

_HIDDEN = "(hidden)"
_NAME = re.compile(r"passw(or)?d|secret|token|credential|api_?key|access_?key", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(://[^:/?#@\s]*):([^/?#\s]+)@")
_PARAMETER = re.compile(r"\b((?:password|passwd|token|secret|api_key)=)([^&\s\"')]+)", re.IGNORECASE)
_BEARER = re.compile(r"(\b(?:Bearer|Basic) )([A-Za-z0-9+/=._~-]{8,})")
_SHORTEST = 8  # what is shorter is a word that other texts have, too


def without_secrets(name: str, value: object) -> str:
    """The value of a setting in a form that is safe to show."""
    return _HIDDEN if _NAME.search(name) and str(value) else _marked(str(value))


def secrets_of(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Values that are secrets by their names, and passwords in addresses; longest first."""
    found: set[str] = set()
    for name, value in environment.items():
        if _NAME.search(name):
            found.add(value)
        for pattern in (_URL_PASSWORD, _PARAMETER):
            found.update(match[2] for match in pattern.finditer(value))
    spelled = {*found, *map(unquote, found)}
    return tuple(sorted((secret for secret in spelled if len(secret) >= _SHORTEST), key=len, reverse=True))


class Redaction:
    """Takes out of texts what this process must not tell."""

    def __init__(self, secrets: Iterable[str] | None = None) -> None:
        """Without `secrets`: those of the environment as it is now."""
        known = secrets_of(os.environ) if secrets is None else tuple(secrets)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def hidden(self, text: str) -> str:
        """The text with "(hidden)" in their places."""
        return _marked(self._known.sub(_HIDDEN, text) if self._known else text)


def _marked(text: str) -> str:
    """Without what looks like a secret, whether it is known or not."""
    text = _URL_PASSWORD.sub(rf"\1:{_HIDDEN}@", text)
    return _BEARER.sub(rf"\1{_HIDDEN}", _PARAMETER.sub(rf"\1{_HIDDEN}", text))
