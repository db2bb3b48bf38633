"""Where the gateway is, and what every request to it has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.base.settings import PORTS

DEFAULT_URL = f"http://127.0.0.1:{PORTS['gateway']}"
DEFAULT_TIMEOUT_S = 60.0
"""Longer than the gateway is silent in a stream of events."""
PATIENCE_S = 120.0
READ_BYTES = 1 << 20


@dataclass(frozen=True)
class Options:
    """Address, key and deadline of a client."""

    url: str
    key: str
    timeout_s: float

    def __repr__(self) -> str:
        return f"Options({self.url!r})"

    def sent(self, path: str, headers: Mapping[str, str]) -> dict[str, Any]:
        """What httpx takes for a request to `path`. Files come as they are: compressed, they could not be resumed."""
        own = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        headers = {"Accept-Encoding": "identity", **own, **headers}
        return {"url": f"{self.url}{path}", "headers": headers, "timeout": self.timeout_s}


def options(url: str, key: str, timeout_s: float) -> Options:
    """Address, key and deadline, in order."""
    return Options(url.rstrip("/"), key, timeout_s)


@contextmanager
def form_file(path: Path | str) -> Iterator[dict[str, Any]]:
    """A file as httpx sends it with a form."""
    with Path(path).open("rb") as file:
        yield {"file": (Path(path).name, file)}
