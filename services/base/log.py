"""Logging on stderr, a line per record: `time level process logger: message`, or JSON. Neither scripts nor secrets."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from services.base.secure.secrets import Redaction
from services.base.tracing.spans import present


class _OneLine(logging.Formatter):
    """Without secrets: libraries have their own idea of what may be told."""

    def __init__(self, layout: str) -> None:
        super().__init__(layout)
        self._redaction = Redaction()

    def format(self, record: logging.LogRecord) -> str:
        return self._redaction.hidden(super().format(record)).replace("\n", "\\n ")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802, ARG002
        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


class _Json(_OneLine):
    """The same as an object, with the ids of the trace that the work belongs to."""

    def __init__(self, process: str) -> None:
        super().__init__("%(message)s")
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        said = {
            "time": self.formatTime(record),
            "level": record.levelname,
            "process": self._process,
            "logger": record.name,
            "message": self._redaction.hidden(record.getMessage()),
            **present().ids,
        }
        if record.exc_info:
            said["exception"] = self._redaction.hidden(self.formatException(record.exc_info))
        return json.dumps(said, ensure_ascii=False)


def configure_logging(level: str, process: str, form: str = "text") -> None:
    """Sets up the root logger of this process, which calls itself `process`, such as "tts". `form`: "text", "json"."""
    handler = logging.StreamHandler(sys.stderr)
    line = _OneLine(f"%(asctime)s %(levelname)s {process} %(name)s: %(message)s")
    handler.setFormatter(_Json(process) if form == "json" else line)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
