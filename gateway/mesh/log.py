"""The log file of a mesh that must not write to the terminal."""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

_TAIL_LINES = 15


class LogFile:
    """Writes lines to `path`, which it overwrites, and remembers the last of them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._file: TextIO | None = None

    def say(self, name: str, line: str) -> None:
        """Writes one line of a process."""
        text = f"{time.strftime('%H:%M:%S')} {name:<12} {line}"
        self._tail.append(text)
        if self._file is not None:
            self._file.write(text + "\n")
            self._file.flush()

    def tail(self) -> str:
        """The last lines."""
        return "\n".join(self._tail)

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("w", encoding="utf-8")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
