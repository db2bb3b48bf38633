"""An engine that lacks a program, from its first load or from a later one on."""

from __future__ import annotations

from pathlib import Path

from services.base.errors import FailedPreconditionError
from services.enginekit.settings import EngineSettings
from tests.knobs.tts import KnobsTts


class NeedsProgram(KnobsTts):
    """A voice for whose program it looks under the path of the option `program`."""

    def __init__(self, settings: EngineSettings) -> None:
        if not Path(settings.options["program"]).exists():
            raise FailedPreconditionError("It lacks a program.", "Install it.", "engine", "ENGINE_NOT_INSTALLED")
        super().__init__(settings)
