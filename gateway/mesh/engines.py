"""What the configured engines can do: asked of their classes, in a separate process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from services.base.errors import FailedPreconditionError

_TIMEOUT_S = 120.0  # torch is imported from a cold disk


@dataclass(frozen=True)
class EngineClass:
    """An engine by name; `capabilities` as in vigent.runtime.v1, empty if a `problem` keeps it from being imported.

    `why` it is this engine.
    """

    engine: str
    capabilities: dict[str, Any] = field(default_factory=dict)
    problem: str = ""
    why: str = ""

    @property
    def uses_gpu(self) -> bool:
        """Whether it computes on a GPU where there is one."""
        return bool(self.capabilities.get("uses_gpu"))

    @property
    def abilities(self) -> str:
        """For people: what it can do, in words."""
        words = [name.replace("_", " ") for name, value in self.capabilities.items() if value is True]
        languages = self.capabilities.get("languages") or ()
        return ", ".join([*words, *([f"{len(languages)} languages"] if languages else [])])

    @property
    def words(self) -> str:
        """For people: why it is this engine, and what it can do."""
        return "; ".join(part for part in (self.why, self.abilities) if part)


def engines_of(services: Sequence[str], *, gpu: bool) -> dict[str, EngineClass]:
    """The engine of each service, as its settings name it or as it chooses itself, where `gpu` that there is one.

    Raises FailedPreconditionError when they cannot be asked; a wrong setting is reported by its server.
    """
    command = [sys.executable, "-P", "-m", "services.runtime.describe", *(["--gpu"] if gpu else []), *services]
    try:
        answer = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=_TIMEOUT_S, check=True)
        return {service: _engine(**said) for service, said in json.loads(answer.stdout).items()}
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        last = str(getattr(error, "stderr", "") or error).strip().splitlines()[-1:]
        problem = f"The engines could not be queried: {''.join(last)}"
        raise FailedPreconditionError(problem, "Run `vigent doctor` to check this machine.") from error


def _engine(engine: str, capabilities: dict[str, Any] | None, problem: str, why: str) -> EngineClass:
    return EngineClass(engine, capabilities or {}, problem, why)
