"""What an operator can set: `VIGENT_TTS_OPTIONS__<NAME>` or `[tts.options]`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import torch
from pydantic import BeforeValidator, Field

from services.enginekit.options import EngineOptions

DType = Literal["auto", "float32", "bfloat16", "float16"]
Switch = Literal["auto", "on", "off"]


def _numbers(value: object) -> object:
    return value.split(",") if isinstance(value, str) else value


class Qwen3Options(EngineOptions):
    """Settings of the engine; "auto" follows the device and the checkpoint."""

    dtype: DType = Field("auto", description="The talker's dtype; auto is bfloat16 on CUDA, float32 elsewhere.")
    codec_dtype: DType = Field("float32", description="The codec's dtype; it is small enough for float32.")
    attention: str = Field("auto", description="auto, sdpa, eager or flash_attention_2.")
    graphs: Switch = Field("auto", description="CUDA graphs of the frame step; on where there is CUDA.")
    streams: int = Field(1, ge=1, le=64, description="Takes generated together; set it to the server's slots.")
    max_positions: int = Field(2048, ge=256, le=32_768, description="Prompt and frames of a take; sizes the cache.")
    chunk_frames: Annotated[tuple[int, ...], BeforeValidator(_numbers)] = Field(
        (1, 2, 4, 8), min_length=1, description="Frames (80 ms) decoded together, the last number repeated."
    )
    text_in_prefill: Switch = Field("auto", description="Read all text first; auto, as published: not when cloning.")
    silence_s: float = Field(2.0, ge=0, description="A take silent for this long is ended; 0: never.")
    silence_dbfs: float = Field(-55.0, le=0, description="Level below which a frame counts as silent.")
    reference_tail_s: float = Field(
        0.5, ge=0, le=2, description="Silence added after a reference, else its last sound runs on into the take."
    )
    voices: Path | None = Field(None, description="Folder of voices: NAME.wav (or .flac, .mp3, .m4a) with NAME.txt.")
    normalise: bool = Field(True, description="Write numbers, units and dates out in words first.")
    verify: bool = Field(True, description="Check the checkpoint's hashes before loading where a manifest has them.")
    temperature: float | None = Field(
        None, gt=0, description="Spread of the draw. This and the ones below: as published if unset."
    )
    top_k: int | None = Field(None, ge=0, description="How many of the likeliest codes are drawn from; 0 for all.")
    top_p: float | None = Field(None, gt=0, le=1, description="Cumulative probability of the codes drawn from.")
    repetition_penalty: float | None = Field(
        None, gt=0, description="How much less likely a used code becomes, 1 for no change; talker only."
    )


def torch_dtype(name: DType, device: torch.device) -> torch.dtype:
    """The dtype called `name`."""
    if name == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    return {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[name]
