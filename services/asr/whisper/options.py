"""What an operator can set: `VIGENT_ASR_OPTIONS__<NAME>` or `[asr.options]`."""

from __future__ import annotations

from pydantic import Field

from services.enginekit.options import EngineOptions


class WhisperOptions(EngineOptions):
    """Settings of the engine, given as text."""

    compute_type: str = Field("default", description="CTranslate2's: default (as stored), float16, int8_float16, int8.")
    cpu_threads: int = Field(0, ge=0, le=256, description="Threads of one call on the processor; 0: CTranslate2's 4.")
    parallel: int = Field(1, ge=1, le=16, description="Calls computed side by side; as many as the server has slots.")
    beam_size: int = Field(5, ge=1, le=20, description="Texts kept while writing down; 1 is greedy and quickest.")
    speech_threshold: float = Field(0.5, gt=0, lt=1, description="Probability from which a frame counts as speech.")
    silence_ms: int = Field(500, ge=100, le=5000, description="A pause this long ends an utterance.")
    padding_ms: int = Field(200, ge=0, le=1000, description="Kept before and after speech, for soft consonants.")
    min_confidence: float = Field(
        0.15, ge=0, le=1, description="Words of a script that are less likely are placed by their neighbours."
    )
    verify: bool = Field(True, description="Check the checkpoint's hashes before loading where a manifest has them.")
