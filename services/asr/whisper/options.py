"""What an operator can set: `VIGENT_ASR_OPTIONS__<NAME>` or `[asr.options]`."""

from __future__ import annotations

from pydantic import Field

from services.enginekit.options import EngineOptions


class WhisperOptions(EngineOptions):
    """Settings of the engine, given as text."""

    compute_type: str = Field(
        "auto",
        description="auto: int8 on a processor, as stored on a GPU; else one of CTranslate2's: float16, int8, ...",
    )
    cpu_threads: int = Field(0, ge=0, le=256, description="CPU threads of one call; 0: as many as cores, up to 4.")
    parallel: int = Field(1, ge=1, le=16, description="Calls computed at once; set it to the server's slots.")
    beam_size: int = Field(5, ge=1, le=20, description="Beams in transcription; 1 is greedy and fastest.")
    speech_threshold: float = Field(0.5, gt=0, lt=1, description="Probability from which a frame counts as speech.")
    silence_ms: int = Field(500, ge=100, le=5000, description="A pause this long ends an utterance.")
    padding_ms: int = Field(200, ge=0, le=1000, description="Kept before and after speech, for soft consonants.")
    min_confidence: float = Field(
        0.15, ge=0, le=1, description="Words of a script less likely than this are placed by their neighbours."
    )
    verify: bool = Field(True, description="Check the checkpoint's hashes before loading where a manifest has them.")
