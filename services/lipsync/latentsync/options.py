"""What an operator can tell the engine: `VIGENT_LIPSYNC_OPTIONS__<NAME>`, or `[lipsync.options]` in vigent.toml."""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field

from services.base.errors import InvalidInputError
from services.enginekit.options import EngineOptions
from services.lipsync.latentsync.networks.acceleration import Acceleration


class Options(EngineOptions):
    """The engine's settings, given as text."""

    resolution: int | None = Field(None, description="Refuse checkpoints trained at another resolution.")
    dtype: Literal["auto", "float32", "float16", "bfloat16"] = Field(
        "auto", description="The dtype of UNet and VAE; auto is float16 on CUDA, float32 elsewhere."
    )
    acceleration: Acceleration = Field("off", description="off, compile, or cuda-graphs (compiled, launched as one).")
    chunks_at_once: int = Field(1, ge=1, le=16, description="Chunks of 16 frames that go through the UNet together.")
    guidance_scale: float = Field(1.5, ge=1, le=5, description="How strongly the voice guides; 1 is no guidance.")
    look_ahead_frames: int = Field(25, ge=2, le=250, description="Film frames of voice heard beyond a chunk.")
    cache_limit_mb: int = Field(20_000, ge=0, description="Disk space for cached results about footage.")

    def check_device(self, device: torch.device) -> None:
        """Raises InvalidInputError when `device` cannot do what is set."""
        if self.acceleration == "cuda-graphs" and device.type != "cuda":
            raise InvalidInputError(
                f"There are no CUDA graphs on {device}.", "Use compile or off.", "options.acceleration"
            )

    def torch_dtype(self, device: torch.device) -> torch.dtype:
        """What UNet and VAE compute in."""
        automatic = torch.float16 if device.type == "cuda" else torch.float32
        chosen: torch.dtype = automatic if self.dtype == "auto" else getattr(torch, self.dtype)
        return chosen
