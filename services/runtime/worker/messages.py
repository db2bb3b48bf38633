"""The messages between the server and its worker. Plain data, pickled; `worker.py` tells how a call uses them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from services.base.errors import VigentError
from services.enginekit.settings import EngineSettings


@dataclass(frozen=True)
class Boot:
    """What the worker needs to start; `parent` is the server's process id.

    `fallback` is the engine that is loaded in place of one that is not installed here; empty for none.
    """

    service: str
    engine: str
    settings: EngineSettings
    attributes: tuple[str, ...]
    epoch: int
    slots: int
    window: int
    stall_budget_s: float
    load_budget_s: float
    warm_up_budget_s: float
    log_level: str
    parent: int
    fallback: str = ""

    def of_fallback(self) -> Self:
        """With the fallback for the engine. Checkpoint and options were meant for the other one."""
        settings = replace(self.settings, checkpoint=None, options={})
        return replace(self, engine=self.fallback, settings=settings, fallback="")


@dataclass(frozen=True, slots=True)
class Open:
    """Server to worker: start `method(request, [inputs], progress)` on `slot`."""

    call: int
    slot: int
    method: str
    request: object
    streaming: bool


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

    `version` is what the engine says of itself; `missing` why it is the fallback that was loaded.
    """

    attributes: Mapping[str, Any]
    stage_s: Mapping[str, float]
    version: str = ""
    missing: VigentError | None = None


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
    """Worker to server: the call is over and its slot free; `error` if it failed, `units` finished in each phase."""

    call: int
    error: VigentError | None = None
    units: Mapping[str, int] = field(default_factory=dict)


ToWorker = Open | Input | EndOfInputs | Cancel | Credit | Ping
Report = Ready | LoadFailed | Event | Ended | Credit
ToServer = Report | Pong
