"""The UNet's levels: resnets, attention and motion, then half or double the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor, nn

from services.lipsync.latentsync.networks.attention import SpatialTransformer
from services.lipsync.latentsync.networks.motion import MotionModule
from services.lipsync.latentsync.networks.norm import FrameGroupNorm


@dataclass(frozen=True)
class UNetConfig:
    """Sizes of the UNet; the defaults are the released 1.5 and 1.6 (configs/unet/stage2.yaml, stage2_512.yaml).

    `attention_heads` is what the published file calls `attention_head_dim`.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}  # read from the checkpoint's manifest

    in_channels: int = 13
    out_channels: int = 4
    block_out_channels: tuple[int, ...] = (320, 640, 1280, 1280)
    layers_per_block: int = 2
    audio_dim: int = 384
    attention_heads: int = 8
    motion_heads: int = 8
    norm_groups: int = 32

    @property
    def time_dim(self) -> int:
        """Width of the embedded diffusion time."""
        return 4 * self.block_out_channels[0]


@dataclass(frozen=True)
class Conditions:
    """What conditions every layer: embedded time (batch * frames, time dim), audio (batch * frames, tokens, dim)."""

    time: Tensor
    audio: Tensor
    frames: int


class Resnet(nn.Module):
    """Two convolutions around the time embedding; its norms take their statistics over all frames of the chunk."""

    def __init__(self, inputs: int, outputs: int, config: UNetConfig) -> None:
        super().__init__()
        self.norm1 = FrameGroupNorm(config.norm_groups, inputs, eps=1e-5)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.time_emb_proj = nn.Linear(config.time_dim, outputs)
        self.norm2 = FrameGroupNorm(config.norm_groups, outputs, eps=1e-5)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        if inputs != outputs:
            self.conv_shortcut = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor, given: Conditions) -> Tensor:
        """(batch * frames, inputs, height, width) to (..., outputs, height, width)."""
        shortcut = self.conv_shortcut(x) if hasattr(self, "conv_shortcut") else x
        x = self.conv1(F.silu(self.norm1(x, given.frames)))
        x = x + self.time_emb_proj(F.silu(given.time))[:, :, None, None]
        out: Tensor = shortcut + self.conv2(F.silu(self.norm2(x, given.frames)))
        return out


class Downsample(nn.Module):
    """Halves the picture."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, height, width) to half height and width."""
        out: Tensor = self.conv(x)
        return out


class Upsample(nn.Module):
    """Doubles the picture."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, height, width) to double height and width."""
        out: Tensor = self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))
        return out


class Level(nn.Module):
    """Layers of one resolution: resnet, spatial attention (not on the lowest level), motion."""

    def __init__(self, inputs: Sequence[int], outputs: int, config: UNetConfig, *, attention: bool) -> None:
        super().__init__()
        self.resnets = nn.ModuleList(Resnet(channels, outputs, config) for channels in inputs)
        if attention:
            self.attentions = nn.ModuleList(_spatial(outputs, config) for _ in inputs)
        self.motion_modules = nn.ModuleList(MotionModule(outputs, config.motion_heads) for _ in inputs)

    def layer(self, index: int, x: Tensor, given: Conditions) -> Tensor:
        """Layer `index` on (batch * frames, inputs[index], height, width)."""
        x = self.resnets[index](x, given)
        if hasattr(self, "attentions"):
            x = self.attentions[index](x, given.audio)
        out: Tensor = self.motion_modules[index](x, given.frames)
        return out


class DownBlock(Level):
    """A level on the way down; keeps what the way up needs."""

    def __init__(self, inputs: int, outputs: int, config: UNetConfig, *, attention: bool, resample: bool) -> None:
        super().__init__([inputs] + [outputs] * (config.layers_per_block - 1), outputs, config, attention=attention)
        if resample:
            self.downsamplers = nn.ModuleList([Downsample(outputs)])

    def forward(self, x: Tensor, given: Conditions) -> list[Tensor]:
        """Every layer's output, then the halved one; the last entry is the level's result."""
        outputs: list[Tensor] = []
        for index in range(len(self.resnets)):
            x = self.layer(index, x, given)
            outputs.append(x)
        if hasattr(self, "downsamplers"):
            outputs.append(self.downsamplers[0](x))
        return outputs


class MidBlock(nn.Module):
    """The bottom: two resnets around spatial attention, no motion."""

    def __init__(self, channels: int, config: UNetConfig) -> None:
        super().__init__()
        self.resnets = nn.ModuleList(Resnet(channels, channels, config) for _ in range(2))
        self.attentions = nn.ModuleList([_spatial(channels, config)])

    def forward(self, x: Tensor, given: Conditions) -> Tensor:
        """(batch * frames, channels, height, width) to the same."""
        x = self.attentions[0](self.resnets[0](x, given), given.audio)
        out: Tensor = self.resnets[1](x, given)
        return out


class UpBlock(Level):
    """A level on the way up; each layer sees the matching output of the way down."""

    def __init__(
        self, inputs: Sequence[int], outputs: int, config: UNetConfig, *, attention: bool, resample: bool
    ) -> None:
        super().__init__(inputs, outputs, config, attention=attention)
        if resample:
            self.upsamplers = nn.ModuleList([Upsample(outputs)])

    def layers(self, x: Tensor, skips: list[Tensor], given: Conditions, count: int) -> Tensor:
        """The first `count` layers; takes `count` entries off the end of `skips`."""
        for index in range(count):
            x = self.layer(index, torch.cat((x, skips.pop()), dim=1), given)
        return x

    def forward(self, x: Tensor, skips: list[Tensor], given: Conditions) -> Tensor:
        """All layers, then the doubling where there is one."""
        x = self.layers(x, skips, given, len(self.resnets))
        out: Tensor = self.upsamplers[0](x) if hasattr(self, "upsamplers") else x
        return out


def _spatial(channels: int, config: UNetConfig) -> SpatialTransformer:
    return SpatialTransformer(channels, config.attention_heads, config.audio_dim, config.norm_groups)
