"""The denoising loop: from one frame of noise to the latents of whole chunks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from services.enginekit.device import seed_of_noise
from services.lipsync.latentsync.guidance import guided, with_null_audio
from services.lipsync.latentsync.networks.deepcache import DeepCache, Full, Shallow
from services.lipsync.latentsync.schedulers import Scheduler


@dataclass(frozen=True)
class Denoiser:
    """A UNet as the loop calls it (perhaps compiled), and where its tensors live."""

    full: Full
    shallow: Shallow
    dtype: torch.dtype
    device: torch.device


def job_noise(seed: int, height: int, width: int, channels: int = 4) -> Tensor:
    """One latent frame of noise (1, channels, 1, height, width), float32 on the CPU.

    A function of the seed alone, shown to every frame of the film as in the published code, so replicas agree and
    neighbouring chunks start alike.
    """
    generator = torch.Generator().manual_seed(seed_of_noise(seed))
    return torch.randn(1, channels, 1, height, width, generator=generator)


@torch.inference_mode()
def denoise(
    denoiser: Denoiser,
    scheduler: Scheduler,
    noise: Tensor,
    known: Tensor,
    audio: Tensor,
    *,
    guidance_scale: float,
    cache_interval: int,
    after_step: Callable[[], None],
) -> Tensor:
    """Latents of the new mouths (batch, 4, frames, height, width), float32.

    `noise` is broadcast to that shape; `known` (batch, 9, frames, height, width) is mask, masked face and reference
    face in this order; `audio` (batch * frames, tokens, dim). `after_step` is called after every step and may raise.
    Guidance is off at a scale of 1 or less.
    """
    dtype, device = denoiser.dtype, denoiser.device
    known, audio = known.to(device, dtype), audio.to(device, dtype)
    latents = noise.to(device).expand(known.shape[0], -1, *known.shape[2:])
    guide = guidance_scale > 1
    if guide:
        known, audio = torch.cat((known, known)), with_null_audio(audio)
    pace = _Pace(device)
    cache = DeepCache(denoiser.full, denoiser.shallow, cache_interval)
    for index, timestep in enumerate(scheduler.timesteps):
        twice = torch.cat((latents, latents)) if guide else latents
        sample = torch.cat((twice.to(dtype), known), dim=1)
        times = torch.full((len(sample),), float(timestep), device=device)
        predicted = cache.predict(index, sample, times, audio)
        latents = scheduler.step(guided(predicted, guidance_scale) if guide else predicted.float(), index, latents)
        pace.step()
        after_step()
    return latents


class _Pace:
    """Keeps the host one step ahead of the device, no more: progress stays true and a cancel takes effect."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._before: torch.cuda.Event | None = None

    def step(self) -> None:
        """Waits until the step before the one just launched is done."""
        if self._device.type != "cuda":
            return
        event = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]  # sleeps instead of spinning
        event.record(torch.cuda.current_stream(self._device))
        if self._before is not None:
            self._before.synchronize()
        self._before = event
