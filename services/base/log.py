"""Logging: one line per record on stderr, `time level process logger: message`. Neither scripts nor secrets."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime

from services.base.secure.secrets import Redaction


class _OneLine(logging.Formatter):
    """Without secrets: libraries have their own idea of what may be told."""

    def __init__(self, layout: str) -> None:
        super().__init__(layout)
        self._redaction = Redaction()

    def format(self, record: logging.LogRecord) -> str:
        return self._redaction.hidden(super().format(record)).replace("\n", "\\n ")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802, ARG002
        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def configure_logging(level: str, process: str) -> None:
    """Sets up the root logger of this process, which calls itself `process`, such as "tts"."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine(f"%(asctime)s %(levelname)s {process} %(name)s: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
