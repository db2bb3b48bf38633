"""What an operator can set: `VIGENT_TTS_OPTIONS__<NAME>` or `[tts.options]`."""

from __future__ import annotations

from pydantic import Field

from services.enginekit.options import EngineOptions


class KokoroOptions(EngineOptions):
    """Settings of the engine."""

    threads: int = Field(
        0,
        ge=0,
        le=64,
        description="Threads of one take; 0 for all cores that the process may use, never more than those.",
    )
    verify: bool = Field(True, description="Check the checkpoint's hashes before loading where a manifest has them.")
