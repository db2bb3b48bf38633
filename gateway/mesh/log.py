"""The log file of a mesh, beside the terminal or in its place."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

_TAIL_LINES = 15


class LogFile:
    """Writes lines to `path`, which it overwrites, and remembers the last of them.

    A file that has grown to `longest_bytes` goes on as NAME.1, in place of the one before.
    """

    def __init__(self, path: Path, longest_bytes: int = 16 << 20) -> None:
        self.path, self._longest_bytes = path, longest_bytes
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._file: TextIO | None = None

    def say(self, name: str, line: str) -> None:
        """Writes one line of a process. A disk that takes none ends no mesh."""
        text = f"{time.strftime('%H:%M:%S')} {name:<12} {line}"
        self._tail.append(text)
        with contextlib.suppress(OSError):
            self._write(text + "\n")

    def _write(self, text: str) -> None:
        if self._file is None:
            return
        if self._file.closed or self._file.tell() >= self._longest_bytes:
            self._file.close()
            with contextlib.suppress(FileNotFoundError):
                self.path.replace(self.path.with_name(f"{self.path.name}.1"))
            self._file = self.path.open("w", encoding="utf-8")
        self._file.write(text)
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
