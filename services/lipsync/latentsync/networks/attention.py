"""Attention over the picture and over the voice, with the published parameter names."""

from __future__ import annotations

import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor, nn

from services.lipsync.latentsync.networks.norm import FrameGroupNorm


class Attention(nn.Module):
    """Multi-head attention: projections without bias, output projection with one."""

    def __init__(self, dim: int, heads: int, context_dim: int | None = None) -> None:
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(dim, dim, bias=False)
        self.to_k = nn.Linear(context_dim or dim, dim, bias=False)
        self.to_v = nn.Linear(context_dim or dim, dim, bias=False)
        self.to_out = nn.ModuleList([nn.Linear(dim, dim)])

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """(batch, tokens, dim) attends to `context` (batch, context tokens, context dim), or to itself."""
        source = x if context is None else context
        query, key, value = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in (self.to_q(x), self.to_k(source), self.to_v(source))
        )
        mixed = F.scaled_dot_product_attention(query, key, value)
        out: Tensor = self.to_out[0](mixed.transpose(1, 2).flatten(2))
        return out


class Geglu(nn.Module):
    """Linear layer gated by the exact GELU of its second half."""

    def __init__(self, dim: int, inner: int) -> None:
        super().__init__()
        self.proj = nn.Linear(dim, 2 * inner)

    def forward(self, x: Tensor) -> Tensor:
        """(..., dim) to (..., inner)."""
        value, gate = self.proj(x).chunk(2, dim=-1)
        gated: Tensor = value * F.gelu(gate)
        return gated


class FeedForward(nn.Module):
    """dim -> 4 dim -> dim with a GEGLU in between; the middle entry keeps the published numbering."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.net = nn.Sequential(Geglu(dim, 4 * dim), nn.Identity(), nn.Linear(4 * dim, dim))

    def forward(self, x: Tensor) -> Tensor:
        """(..., dim) to the same."""
        out: Tensor = self.net(x)
        return out


class SpatialBlock(nn.Module):
    """Self-attention over one frame's pixels, attention to its audio tokens, feed-forward; each with a residual."""

    def __init__(self, dim: int, heads: int, audio_dim: int) -> None:
        super().__init__()
        self.norm1, self.norm2, self.norm3 = nn.LayerNorm(dim), nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn1 = Attention(dim, heads)
        self.attn2 = Attention(dim, heads, audio_dim)
        self.ff = FeedForward(dim)

    def forward(self, x: Tensor, audio: Tensor) -> Tensor:
        """`x` (frames, pixels, dim), `audio` (frames, tokens, audio dim)."""
        x = x + self.attn1(self.norm1(x))
        x = x + self.attn2(self.norm2(x), audio)
        out: Tensor = x + self.ff(self.norm3(x))
        return out


class SpatialTransformer(nn.Module):
    """Attention inside each frame; frames do not see each other here."""

    def __init__(self, dim: int, heads: int, audio_dim: int, groups: int) -> None:
        super().__init__()
        self.norm = FrameGroupNorm(groups, dim, eps=1e-6)
        self.proj_in = nn.Conv2d(dim, dim, 1)
        self.transformer_blocks = nn.ModuleList([SpatialBlock(dim, heads, audio_dim)])
        self.proj_out = nn.Conv2d(dim, dim, 1)

    def forward(self, x: Tensor, audio: Tensor) -> Tensor:
        """`x` (frames, dim, height, width), `audio` (frames, tokens, audio dim)."""
        height = x.shape[2]
        tokens = self.proj_in(self.norm(x)).permute(0, 2, 3, 1).flatten(1, 2)
        tokens = self.transformer_blocks[0](tokens, audio)
        picture = tokens.unflatten(1, (height, -1)).permute(0, 3, 1, 2)
        out: Tensor = x + self.proj_out(picture)
        return out
