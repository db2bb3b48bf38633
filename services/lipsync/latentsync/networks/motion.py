"""Motion modules: every pixel attends to itself over the frames of its chunk."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor, nn

from services.lipsync.latentsync.networks.attention import Attention, FeedForward
from services.lipsync.latentsync.networks.norm import FrameGroupNorm

MAX_FRAMES = 24
"""Length of the stored position encoding: a chunk cannot be longer."""

_GROUPS = 32  # fixed in the published code, whatever the UNet's own group count is


def sinusoid(positions: int, dim: int) -> Tensor:
    """Position encoding (1, positions, dim): sines on even channels, cosines on odd ones (Vaswani et al. 2017)."""
    angles = torch.arange(positions)[:, None] * torch.exp(torch.arange(0, dim, 2) * (-math.log(10000.0) / dim))
    return torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(1)[None]


class PositionEncoding(nn.Module):
    """Holder of the buffer `pe` (1, MAX_FRAMES, dim), which the checkpoint stores."""

    pe: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("pe", sinusoid(MAX_FRAMES, dim))


class TemporalAttention(Attention):
    """Self-attention over frames, separately for every pixel."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__(dim, heads)
        self.pos_encoder = PositionEncoding(dim)

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """`x` (batch, frames, pixels, dim) to the same; pixels and heads share an axis, so nothing is transposed."""
        assert context is None
        frames = x.shape[1]
        x = x + self.pos_encoder.pe[:, :frames, None]
        query, key, value = (
            projection(x).unflatten(-1, (self.heads, -1)).flatten(2, 3).transpose(1, 2)
            for projection in (self.to_q, self.to_k, self.to_v)
        )
        mixed = F.scaled_dot_product_attention(query, key, value)
        out: Tensor = self.to_out[0](mixed.transpose(1, 2).reshape(x.shape))
        return out


class TemporalBlock(nn.Module):
    """Two attentions over frames and a feed-forward, each with layer norm and residual."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.attention_blocks = nn.ModuleList(TemporalAttention(dim, heads) for _ in range(2))
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(2))
        self.ff = FeedForward(dim)
        self.ff_norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, frames, pixels, dim) to the same."""
        for attention, norm in zip(self.attention_blocks, self.norms, strict=True):
            x = x + attention(norm(x))
        out: Tensor = x + self.ff(self.ff_norm(x))
        return out


class TemporalTransformer(nn.Module):
    """Projects pictures to tokens, mixes frames, projects back and adds."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.norm = FrameGroupNorm(_GROUPS, dim, eps=1e-6)
        self.proj_in = nn.Linear(dim, dim)
        self.transformer_blocks = nn.ModuleList([TemporalBlock(dim, heads)])
        self.proj_out = nn.Linear(dim, dim)

    def forward(self, x: Tensor, frames: int) -> Tensor:
        """(batch * frames, dim, height, width) to the same."""
        height = x.shape[2]
        tokens = self.proj_in(self.norm(x).permute(0, 2, 3, 1)).flatten(1, 2).unflatten(0, (-1, frames))
        tokens = self.proj_out(self.transformer_blocks[0](tokens))
        out: Tensor = x + tokens.flatten(0, 1).unflatten(1, (height, -1)).permute(0, 3, 1, 2)
        return out


class MotionModule(nn.Module):
    """A temporal transformer under its published name."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.temporal_transformer = TemporalTransformer(dim, heads)

    def forward(self, x: Tensor, frames: int) -> Tensor:
        """(batch * frames, dim, height, width) to the same."""
        out: Tensor = self.temporal_transformer(x, frames)
        return out
