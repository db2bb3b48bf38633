"""Pictures to latents and back: the Stable Diffusion VAE (stabilityai/sd-vae-ft-mse), by diffusers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from diffusers import AutoencoderKL

LATENT_CHANNELS = 4
"""Channels of a picture's latents."""

SCALE = 0.18215
"""Published code sets scale and shift 0 itself and does not read them from the VAE's config."""


class Vae:
    """A diffusers AutoencoderKL. Takes the mean where published code draws a sample, so results repeat.

    Works on `frames_at_once` pictures, which bounds its memory: at 512 the decoder needs more than the UNet.
    """

    def __init__(self, model: AutoencoderKL, frames_at_once: int = 8) -> None:
        self._model = model
        self._frames_at_once = frames_at_once

    @torch.inference_mode()
    def encode(self, pictures: Tensor) -> Tensor:
        """(n, 3, height, width) in -1 ... 1 to (n, 4, height / 8, width / 8), float32."""
        groups = torch.split(pictures.to(self._model.dtype), self._frames_at_once)
        return torch.cat([self._model.encode(group).latent_dist.mode().float() * SCALE for group in groups])

    @torch.inference_mode()
    def decode(self, latents: Tensor) -> Tensor:
        """(n, 4, height, width) to (n, 3, 8 height, 8 width), about -1 ... 1, float32."""
        groups = torch.split((latents / SCALE).to(self._model.dtype), self._frames_at_once)
        return torch.cat([self._model.decode(group).sample.float() for group in groups])
