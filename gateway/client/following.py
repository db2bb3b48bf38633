"""Following a job through lost connections, and fetching a file through them: what both clients go by."""

from __future__ import annotations

import hashlib
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import httpx
from httpx_sse import ServerSentEvent

from gateway.client.calls import job_path, read_model
from gateway.client.problems import error_told
from gateway.films.view import JobEventView
from services.base.errors import DeadlineExceededError, InternalError, UnavailableError, VigentError
from services.base.pauses import doubled_s

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 10.0
_LOST = (UnavailableError, DeadlineExceededError)


class Patience:
    """How long to go on trying while nobody answers."""

    def __init__(self, longest_s: float) -> None:
        self._longest_s, self._since_s, self._failures = longest_s, time.monotonic(), 0

    def connected(self) -> None:
        """Somebody answered."""
        self._since_s = time.monotonic()

    def progressed(self) -> None:
        """Something came: the next pause is short again."""
        self.connected()
        self._failures = 0

    def pause_s(self, error: VigentError) -> float:
        """Seconds until the next try. Raises `error` when nobody answered for too long, or trying again is no use."""
        if not isinstance(error, _LOST) or time.monotonic() - self._since_s > self._longest_s:
            raise error
        self._failures += 1
        return max(error.retry_after_s or 0.0, doubled_s(_FIRST_PAUSE_S, self._failures - 1, _LONGEST_PAUSE_S))


class Following:
    """How far the events of a job have been seen."""

    def __init__(self, job_id: str, after: int, patience: Patience) -> None:
        self.path, self.after, self.ended = job_path(job_id, "/events"), after, False
        self.patience = patience

    @property
    def headers(self) -> dict[str, str]:
        """Asks for what has not been seen."""
        return {"Last-Event-ID": str(self.after), "Accept": "text/event-stream"}

    def told(self, said: ServerSentEvent) -> JobEventView | None:
        """An event of the job; None for what is none. Raises the error that the gateway tells."""
        if said.event == "problem":
            raise error_told(said.data)
        if said.event == "end":
            self.ended = True
        if said.event != "message" or not said.data:  # such as how soon to connect again
            return None
        event = read_model(JobEventView, said.data)
        self.after = event.id
        self.patience.progressed()
        return event

    def cut(self) -> UnavailableError:
        """The error for a stream that stopped before its end."""
        return UnavailableError("The stream of events ended early.", "Follow the job again.", reason="CUT_OFF")


class Fetching:
    """A file that is being fetched: it has its name once it is whole, and goes on where a connection was lost."""

    def __init__(self, job_id: str, output: str, target: Path, patience: Patience) -> None:
        self.patience = patience
        self.path, self._target = job_path(job_id, f"/{output}"), target
        self._file: IO[bytes] = tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False)  # noqa: SIM115
        self._tag = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()
        Path(self._file.name).unlink(missing_ok=True)

    @property
    def headers(self) -> dict[str, str]:
        """Asks for what is missing, of the same file as before."""
        if not self._tag:
            return {}
        return {"Range": f"bytes={self._file.tell()}-", "If-Match": self._tag}

    def began(self, response: httpx.Response) -> None:
        """Takes the head of an answer."""
        if response.status_code != httpx.codes.PARTIAL_CONTENT:
            self._file.seek(0)
            self._file.truncate()
        self._tag = response.headers.get("etag", "")

    def write(self, data: bytes) -> None:
        """Takes a part."""
        self._file.write(data)
        self.patience.progressed()

    def finish(self) -> Path:
        """Gives the file its name. Raises InternalError unless its content has the hash that the gateway gave it."""
        self._file.seek(0)
        found = hashlib.file_digest(self._file, "sha256").hexdigest()  # type: ignore[arg-type]
        if self._tag.strip('"') != found:
            raise InternalError(f"{self.path} came damaged.", "Fetch it again.", reason="DAMAGED")
        self._file.close()
        Path(self._file.name).chmod(0o644)
        return Path(self._file.name).replace(self._target)
