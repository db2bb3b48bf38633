"""Loading an engine in the worker: its class is imported, constructed and warmed up, and each stage is timed."""

from __future__ import annotations

import importlib
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, MutableSequence
from dataclasses import dataclass, replace
from typing import Any

from services.base.errors import FailedPreconditionError, InvalidInputError, VigentError
from services.enginekit.capabilities import Capabilities
from services.enginekit.progress import Progress
from services.enginekit.settings import EngineSettings
from services.runtime.worker.messages import Boot, Candidate

NOT_INSTALLED = "ENGINE_NOT_INSTALLED"
"""Reason of the FailedPreconditionError for what only an installation mends; engines raise it of themselves too."""


@dataclass(frozen=True)
class LoadedEngine:
    """An engine that is ready, the attributes asked of it, and how many seconds each stage of loading took.

    `version` is what the engine says of itself; `passed_over` says why each candidate before it could not be loaded.
    """

    engine: object
    attributes: Mapping[str, Any]
    stage_s: Mapping[str, float]
    version: str
    passed_over: tuple[VigentError, ...] = ()


class StageTimes(Progress):
    """Progress that adds up the seconds spent in each phase."""

    def __init__(self, record: MutableSequence[int] | None = None, *, epoch: int = 0, default_budget_s: float) -> None:
        """As in Progress."""
        super().__init__(record, epoch=epoch, default_budget_s=default_budget_s)
        self.stage_s: defaultdict[str, float] = defaultdict(float)
        self._since_s = time.monotonic()

    def phase(self, name: str, total_units: int = 0, stall_budget_s: float | None = None) -> None:
        """As in Progress."""
        self._settle()
        super().phase(name, total_units, stall_budget_s)

    def finish(self) -> None:
        """As in Progress."""
        self._settle()
        super().finish()

    def _settle(self) -> None:
        now_s = time.monotonic()
        if self._phase:
            self.stage_s[self._phase] += now_s - self._since_s
        self._since_s = now_s


def load_engine(boot: Boot, record: MutableSequence[int]) -> LoadedEngine:
    """The engine of the first candidate that can be loaded, warm."""
    passed_over: list[VigentError] = []
    for candidate in boot.choice.candidates[:-1]:
        try:
            return replace(_loaded(boot, candidate, record), passed_over=tuple(passed_over))
        except FailedPreconditionError as error:
            if not boot.choice.goes_on(error):  # it may yet be mended
                raise
            passed_over.append(error)
    return replace(_loaded(boot, boot.choice.candidates[-1], record), passed_over=tuple(passed_over))


def _loaded(boot: Boot, candidate: Candidate, record: MutableSequence[int]) -> LoadedEngine:
    """Stages: import, construct, the phases of its own `warm_up`, attributes."""
    progress = StageTimes(record, epoch=boot.epoch, default_budget_s=boot.load_budget_s)
    progress.phase("import", 1)
    engine_class = load_class(candidate.path)
    progress.advance()
    progress.phase("construct", 1)
    engine = engine_class(_settled(candidate.settings))
    progress.advance()
    warm_up = getattr(engine, "warm_up", None)
    if warm_up is not None:
        progress.phase("warm-up", stall_budget_s=boot.warm_up_budget_s)
        warm_up(progress)
        progress.advance()
    progress.phase("attributes")
    attributes = {name: _attribute(engine, name) for name in boot.attributes}
    attributes["capabilities"] = getattr(engine, "capabilities", Capabilities())
    progress.finish()
    return LoadedEngine(engine, attributes, dict(progress.stage_s), getattr(engine, "version", ""))


def _settled(settings: EngineSettings) -> EngineSettings:
    """Follows a link to the checkpoint now: one that is changed during loading would mix files of two checkpoints."""
    return replace(settings, checkpoint=settings.checkpoint.resolve()) if settings.checkpoint else settings


def _attribute(engine: object, name: str) -> object:
    value = getattr(engine, name)
    return value() if callable(value) else value


def load_class(path: str) -> Callable[..., object]:
    """The class that "module:Class" names.

    Raises InvalidInputError when there is no such class, FailedPreconditionError (ENGINE_NOT_INSTALLED) when a package
    that it needs is missing.
    """
    module, _, name = path.partition(":")
    try:
        found: Callable[..., object] = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        problem = f"The engine {path!r} cannot be imported: {error}."
        if isinstance(error, ImportError) and not _is_missing(module, error):
            remedy = "Install the extra that brings it."
            raise FailedPreconditionError(problem, remedy, "engine", NOT_INSTALLED) from error
        raise InvalidInputError(problem, "Name an engine, or a class as module:Class.", "engine") from error
    return found


def _is_missing(module: str, error: ImportError) -> bool:
    """Whether what was not found is the module itself or a package that contains it."""
    return isinstance(error, ModuleNotFoundError) and f"{module}.".startswith(f"{error.name}.")
