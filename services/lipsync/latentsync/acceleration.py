"""Making the UNet's two entry points fast: plain, compiled, or as CUDA graphs."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from services.lipsync.latentsync.deepcache import Full, Shallow
from services.lipsync.latentsync.sampler import Denoiser
from services.lipsync.latentsync.unet import UNet

Acceleration = Literal["off", "compile", "cuda-graphs"]


def denoiser_of(unet: UNet, acceleration: Acceleration, backend: str = "inductor") -> Denoiser:
    """The UNet as the sampling loop calls it.

    "compile" fuses what lies between the matrix products (a minute at the first call of each shape); "cuda-graphs"
    also replays the launches as one. Attention is torch's: its flash kernel in half precision on CUDA.
    """
    weight = unet.conv_in.weight
    if acceleration == "off":
        return Denoiser(unet.full, unet.shallow, weight.dtype, weight.device)
    mode = "reduce-overhead" if acceleration == "cuda-graphs" else None
    full: Full = torch.compile(unet.full, mode=mode, backend=backend, dynamic=False, fullgraph=True)
    shallow: Shallow = torch.compile(unet.shallow, mode=mode, backend=backend, dynamic=False, fullgraph=True)
    if acceleration == "cuda-graphs":
        full, shallow = _kept_full(full), _kept_shallow(shallow)
    return Denoiser(full, shallow, weight.dtype, weight.device)


# A graph's results lie in its own memory, which its next replay overwrites: hence the copies.


def _kept_full(graph: Full) -> Full:
    def full(sample: Tensor, timesteps: Tensor, audio: Tensor) -> tuple[Tensor, Tensor]:
        torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
        noise, features = graph(sample, timesteps, audio)
        return noise.clone(), features.clone()

    return full


def _kept_shallow(graph: Shallow) -> Shallow:
    def shallow(sample: Tensor, timesteps: Tensor, audio: Tensor, features: Tensor) -> Tensor:
        torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
        return graph(sample, timesteps, audio, features).clone()

    return shallow
