"""The LatentSync 1.5/1.6 UNet: 1246 state-dict entries, names as released.

Pictures run through it as (batch * frames, channels, height, width); only the entrance and the exit know five
dimensions.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor, nn

from services.lipsync.latentsync.networks.blocks import Conditions, DownBlock, MidBlock, UNetConfig, UpBlock
from services.lipsync.latentsync.networks.norm import FrameGroupNorm


class TimeEmbedding(nn.Module):
    """Diffusion time to a vector: sinusoid (cosines first), linear, SiLU, linear."""

    def __init__(self, channels: int, outputs: int) -> None:
        super().__init__()
        self.channels = channels
        self.linear_1 = nn.Linear(channels, outputs)
        self.linear_2 = nn.Linear(outputs, outputs)

    def forward(self, timesteps: Tensor) -> Tensor:
        """(batch,) to (batch, outputs)."""
        half = self.channels // 2
        scale = torch.exp(torch.arange(half, device=timesteps.device) * (-math.log(10000.0) / half))
        angles = timesteps[:, None].float() * scale
        waves = torch.cat((angles.cos(), angles.sin()), dim=1).to(self.linear_1.weight.dtype)
        out: Tensor = self.linear_2(F.silu(self.linear_1(waves)))
        return out


class UNet(nn.Module):
    """Predicts the noise in the latents of a chunk of frames.

    `full` runs everything and hands out the features that DeepCache keeps; `shallow` runs only what lies above them.
    """

    def __init__(self, config: UNetConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or UNetConfig()
        channels = config.block_out_channels
        self.conv_in = nn.Conv2d(config.in_channels, channels[0], 3, padding=1)
        self.time_embedding = TimeEmbedding(channels[0], config.time_dim)
        self.down_blocks = nn.ModuleList(_down_blocks(config))
        self.mid_block = MidBlock(channels[-1], config)
        self.up_blocks = nn.ModuleList(_up_blocks(config))
        self.conv_norm_out = FrameGroupNorm(config.norm_groups, channels[0], eps=1e-5)
        self.conv_out = nn.Conv2d(channels[0], config.out_channels, 3, padding=1)

    def full(self, sample: Tensor, timesteps: Tensor, audio: Tensor) -> tuple[Tensor, Tensor]:
        """All levels.

        `sample` (batch, 13, frames, height, width), `timesteps` (batch,), `audio` (batch * frames, tokens, audio dim).
        Returns the noise (batch, 4, frames, height, width) and the features below the last layer
        (batch * frames, channels, height, width).
        """
        stem, given = self._enter(sample, timesteps, audio)
        skips = [stem]
        for down in self.down_blocks:
            skips += down(skips[-1], given)
        x = self.mid_block(skips[-1], given)
        for up in self.up_blocks[:-1]:
            x = up(x, skips, given)
        last = self._last_block
        features = last.layers(x, skips, given, len(last.resnets) - 1)
        return self._leave(features, stem, given), features

    def shallow(self, sample: Tensor, timesteps: Tensor, audio: Tensor, features: Tensor) -> Tensor:
        """Only the entrance, the last layer and the exit, over `features` of an earlier `full`; shapes as there."""
        stem, given = self._enter(sample, timesteps, audio)
        return self._leave(features, stem, given)

    def forward(self, sample: Tensor, timesteps: Tensor, audio: Tensor) -> Tensor:
        """The noise alone; shapes as in `full`."""
        return self.full(sample, timesteps, audio)[0]

    @property
    def _last_block(self) -> UpBlock:
        block = self.up_blocks[-1]
        assert isinstance(block, UpBlock)
        return block

    def _enter(self, sample: Tensor, timesteps: Tensor, audio: Tensor) -> tuple[Tensor, Conditions]:
        frames = sample.shape[2]
        pictures = sample.transpose(1, 2).flatten(0, 1)
        if self.conv_in.weight.is_contiguous(memory_format=torch.channels_last):
            pictures = pictures.contiguous(memory_format=torch.channels_last)
        time = self.time_embedding(timesteps).repeat_interleave(frames, dim=0)
        return self.conv_in(pictures), Conditions(time, audio, frames)

    def _leave(self, features: Tensor, stem: Tensor, given: Conditions) -> Tensor:
        last = self._last_block
        x = last.layer(len(last.resnets) - 1, torch.cat((features, stem), dim=1), given)
        noise = self.conv_out(F.silu(self.conv_norm_out(x, given.frames)))
        out: Tensor = noise.unflatten(0, (-1, given.frames)).transpose(1, 2)
        return out


def _down_blocks(config: UNetConfig) -> list[DownBlock]:
    channels = config.block_out_channels
    last = len(channels) - 1
    return [
        DownBlock(inputs, outputs, config, attention=level < last, resample=level < last)
        for level, (inputs, outputs) in enumerate(pairwise((channels[0], *channels)))
    ]


def _up_blocks(config: UNetConfig) -> list[UpBlock]:
    channels, layers, last = config.block_out_channels, config.layers_per_block, len(config.block_out_channels) - 1
    blocks = []
    below = channels[-1]
    for level in reversed(range(len(channels))):
        outputs = channels[level]
        skips = [outputs] * layers + [channels[max(level - 1, 0)]]
        own = [below] + [outputs] * layers
        inputs = [a + b for a, b in zip(own, skips, strict=True)]
        blocks.append(UpBlock(inputs, outputs, config, attention=level < last, resample=level > 0))
        below = outputs
    return blocks
