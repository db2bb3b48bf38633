"""One loaded checkpoint: the networks and what belongs to their resolution."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from services.enginekit.checkpoints import verify_once
from services.enginekit.progress import Progress
from services.lipsync.latentsync.checkpoint import Checkpoint, check_hearing, load_encoder, load_unet, load_vae
from services.lipsync.latentsync.face.mask import LATENT_STRIDE, blend_weights, keep_mask
from services.lipsync.latentsync.face.restore import Restorer
from services.lipsync.latentsync.networks.acceleration import Acceleration, denoiser_of
from services.lipsync.latentsync.networks.unet import UNet
from services.lipsync.latentsync.networks.vae import Vae
from services.lipsync.latentsync.networks.whisper import WINDOW_SAMPLES, WhisperEncoder
from services.lipsync.latentsync.sampler import Denoiser
from services.lipsync.latentsync.windows import frame_windows

CHUNK_FRAMES = 16
"""Frames that the networks were trained on together; norms and motion modules see all of them."""

_MIB = 2**20
_WARM_UP_BUDGET_S = 600.0  # compiling a UNet of 1.3 G parameters
_LOAD_BUDGET_S = 120.0  # five gigabytes from a slow disk


@dataclass(frozen=True)
class Model:
    """Everything that serves one resolution. `keep` (resolution, resolution): 1 where the face stays."""

    checkpoint: Checkpoint
    unet: UNet
    denoiser: Denoiser
    encoder: WhisperEncoder
    vae: Vae
    keep: Tensor
    restorer: Restorer

    @property
    def resolution(self) -> int:
        """Side of the network's picture in pixels."""
        return self.checkpoint.resolution

    @property
    def latent_side(self) -> int:
        """Side of the network's latents."""
        return self.resolution // LATENT_STRIDE

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.denoiser.device

    @property
    def dtype(self) -> torch.dtype:
        """What UNet and VAE compute in."""
        return self.denoiser.dtype

    @torch.inference_mode()
    def warm_up(self, batch: int, progress: Progress) -> None:
        """Runs every network once at its real shapes, so that compiling and tuning are over before a call.

        `batch` is what goes through the UNet together: chunks, twice with guidance.
        """
        config, side = self.unet.config, self.latent_side
        progress.phase("warm up", 5, stall_budget_s=_WARM_UP_BUDGET_S)
        states = self.encoder.states(torch.zeros(WINDOW_SAMPLES, device=self.device))
        progress.advance()
        voice = frame_windows(states, range(CHUNK_FRAMES)).to(self.dtype).repeat(batch, 1, 1)
        latents = self.vae.encode(torch.zeros(CHUNK_FRAMES, 3, self.resolution, self.resolution, device=self.device))
        progress.advance()
        sample = torch.zeros(batch, config.in_channels, CHUNK_FRAMES, side, side, device=self.device, dtype=self.dtype)
        times = torch.ones(batch, device=self.device)
        _, features = self.denoiser.full(sample, times, voice)
        progress.advance()
        self.denoiser.shallow(sample, times, voice, features)
        progress.advance()
        self.vae.decode(latents)
        progress.advance()


def load_model(
    checkpoint: Checkpoint,
    device: torch.device,
    dtype: torch.dtype,
    acceleration: Acceleration,
    cache_root: Path,
    progress: Progress,
) -> Model:
    """Verifies and loads a checkpoint, offline. Progress counts MiB hashed, then networks loaded.

    What was verified is remembered below `cache_root`, until a file changes. Raises FailedPreconditionError
    (CHECKPOINT_...).
    """
    folder, manifest = checkpoint.folder, checkpoint.manifest
    progress.phase("verify checkpoint", (manifest.size_bytes or 0) // _MIB)
    verify_once(folder, manifest, cache_root, lambda size: progress.advance(size // _MIB))
    progress.phase("load checkpoint", 3, stall_budget_s=_LOAD_BUDGET_S)
    unet = load_unet(folder, device, dtype)
    progress.advance()
    encoder = load_encoder(folder, device)
    progress.advance()
    check_hearing(unet, encoder, folder)
    vae = load_vae(folder, device, dtype)
    progress.advance()
    keep = keep_mask(checkpoint.resolution)
    return Model(
        checkpoint=checkpoint,
        unet=unet,
        denoiser=denoiser_of(unet, acceleration),
        encoder=encoder,
        vae=vae,
        keep=keep.to(device),
        restorer=Restorer(blend_weights(keep).to(device)),
    )
