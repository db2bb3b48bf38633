"""The messages between the server and its worker. Plain data, pickled; `worker.py` tells how a call uses them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.base.errors import FailedPreconditionError, VigentError
from services.enginekit.settings import EngineSettings


@dataclass(frozen=True)
class Candidate:
    """An engine that may be loaded: name, class as module:Class, what it is made with, and why it is this one."""

    engine: str
    path: str
    settings: EngineSettings
    why: str = ""


@dataclass(frozen=True)
class Choice:
    """Candidates, the preferred one first; `passes_over` is how the reasons begin that lead to the next."""

    candidates: tuple[Candidate, ...]
    passes_over: tuple[str, ...] = ()

    @property
    def first(self) -> Candidate:
        """The preferred one."""
        return self.candidates[0]

    def goes_on(self, error: FailedPreconditionError) -> bool:
        """Whether the next candidate is to be tried after `error`."""
        return error.reason.startswith(self.passes_over) if self.passes_over else False


@dataclass(frozen=True)
class Boot:
    """What the worker needs to start; `parent` is the server's process id.

    The engine is that of the first of the `choice`'s candidates which can be loaded.
    """

    service: str
    choice: Choice
    attributes: tuple[str, ...]
    epoch: int
    slots: int
    window: int
    stall_budget_s: float
    load_budget_s: float
    warm_up_budget_s: float
    log_level: str
    parent: int
    log_format: str = "text"


@dataclass(frozen=True, slots=True)
class Open:
    """Server to worker: start `method(request, [inputs], progress)` on `slot`, for the trace of `traceparent`."""

    call: int
    slot: int
    method: str
    request: object
    streaming: bool
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Input:
    """Server to worker: the next input of a call."""

    call: int
    item: object


@dataclass(frozen=True, slots=True)
class EndOfInputs:
    """Server to worker: the caller has sent all its inputs."""

    call: int


@dataclass(frozen=True, slots=True)
class Cancel:
    """Server to worker: nobody is waiting for this call any more."""

    call: int


@dataclass(frozen=True, slots=True)
class Credit:
    """Both directions: the receiver has taken `count` items of the call's stream, so that many more may follow."""

    call: int
    count: int


@dataclass(frozen=True, slots=True)
class Ping:
    """Server to worker: a sign of life is wanted. Answered by the thread that takes calls."""


@dataclass(frozen=True, slots=True)
class Pong:
    """Worker to server: the answer to a ping."""


@dataclass(frozen=True, slots=True)
class Ready:
    """Worker to server: the engine is loaded and warm; `stage_s` holds the seconds that each stage took.

    `version` is what the engine says of itself; `chosen` is its place among the candidates, and `passed_over` says why
    those before it could not be loaded.
    """

    attributes: Mapping[str, Any]
    stage_s: Mapping[str, float]
    version: str = ""
    chosen: int = 0
    passed_over: tuple[VigentError, ...] = ()


@dataclass(frozen=True, slots=True)
class LoadFailed:
    """Worker to server: the engine cannot be loaded; the worker exits."""

    error: VigentError


@dataclass(frozen=True, slots=True)
class Event:
    """Worker to server: an item that the engine yielded."""

    call: int
    item: object


@dataclass(frozen=True, slots=True)
class Ended:
    """Worker to server: the call is over and its slot free; `error` if it failed, `units` finished in each phase.

    `at_ns` is when, since 1970; None for a worker that could not say it.
    """

    call: int
    error: VigentError | None = None
    units: Mapping[str, int] = field(default_factory=dict)
    at_ns: int | None = None


ToWorker = Open | Input | EndOfInputs | Cancel | Credit | Ping
Report = Ready | LoadFailed | Event | Ended | Credit
ToServer = Report | Pong
