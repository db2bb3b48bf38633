"""The Qwen3-style decoder that talker and code predictor share: RMSNorm, grouped-query attention, SwiGLU, RoPE.

Module names match the published checkpoints.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from services.tts.qwen3.config import CodecConfig, DecoderConfig
from services.tts.qwen3.networks.attention import Attention, Visible

Place = slice | Tensor
"""Where tokens stand: the same slice of positions in every row, or one position (rows,) for each row's single token."""


class RMSNorm(nn.Module):
    """Root-mean-square normalisation over the last dimension."""

    def __init__(self, size: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        """Any shape (..., size) to the same."""
        return functional.rms_norm(x, self.weight.shape, self.weight, self.epsilon)


@dataclass(frozen=True)
class Rotary:
    """Tables of cosine and sine, each (positions, head_dim); the sine's first half is negated, see `rotate`."""

    cos: Tensor
    sin: Tensor

    def at(self, place: Place) -> Rotary:
        """The rows at `place`, ready to be multiplied with (rows, tokens, heads, head_dim)."""
        if isinstance(place, slice):
            return Rotary(self.cos[None, place, None], self.sin[None, place, None])
        return Rotary(self.cos[place][:, None, None], self.sin[place][:, None, None])

    def rotate(self, x: Tensor) -> Tensor:
        """Turns pairs (i, i + head_dim / 2) of `x` (rows, tokens, heads, head_dim) by their angles.

        Each number's partner is half a head away. Three kernels only, because launches are what a frame waits for.
        """
        return torch.addcmul(x * self.cos, x.roll(x.shape[-1] // 2, dims=-1), self.sin)


def rotary_tables(
    head_dim: int, theta: float, positions: int, device: torch.device | str, dtype: torch.dtype
) -> Rotary:
    """Rotary position embedding (Su et al. 2021), angles computed in float32.

    The talker's interleaved multimodal RoPE has three axes of positions; speech gives all three the same number, so it
    equals this one.
    """
    frequencies = theta ** -(torch.arange(0, head_dim, 2, device=device, dtype=torch.float32) / head_dim)
    angles = torch.arange(positions, device=device, dtype=torch.float32)[:, None] * frequencies
    sine = angles.sin()
    return Rotary(torch.cat((angles.cos(),) * 2, dim=-1).to(dtype), torch.cat((-sine, sine), dim=-1).to(dtype))


@dataclass(frozen=True)
class KvCache:
    """Keys and values of all layers, each (layers, rows, positions, kv_heads, head_dim); `row` numbers the rows."""

    keys: Tensor
    values: Tensor
    row: Tensor

    @staticmethod
    def empty(config: DecoderConfig, rows: int, positions: int, device: torch.device, dtype: torch.dtype) -> KvCache:
        """A cache of zeros: masked positions must stay finite."""
        shape = (config.num_hidden_layers, rows, positions, config.num_key_value_heads, config.head_dim)
        keys, values = (torch.zeros(shape, device=device, dtype=dtype) for _ in range(2))
        return KvCache(keys, values, torch.arange(rows, device=device))

    def rows(self, first: int, last: int) -> KvCache:
        """A view of rows [first, last)."""
        return KvCache(self.keys[:, first:last], self.values[:, first:last], self.row[: last - first])

    def write(self, layer: int, place: Place, keys: Tensor, values: Tensor) -> None:
        """Stores (rows, tokens, kv_heads, head_dim) at `place`."""
        for cache, new in ((self.keys[layer], keys), (self.values[layer], values)):
            if isinstance(place, slice):
                cache[:, place] = new
            else:
                cache[self.row, place] = new[:, 0]


@dataclass(frozen=True)
class Step:
    """What every layer needs to know of one pass: where the tokens stand and what they see.

    `rotary` belongs to `place`; `span` cached positions are read, 0 in a prefill, which reads only its own tokens.
    """

    place: Place
    rotary: Rotary
    cache: KvCache
    attention: Attention
    visible: Visible
    span: int = 0


class Projections(nn.Module):
    """Projections to the heads' queries, keys and values, and back, all without bias."""

    def __init__(self, sizes: DecoderConfig | CodecConfig) -> None:
        super().__init__()
        self.head_dim = sizes.head_dim
        self.q_proj = nn.Linear(sizes.hidden_size, sizes.num_attention_heads * sizes.head_dim, bias=False)
        self.k_proj = nn.Linear(sizes.hidden_size, sizes.num_key_value_heads * sizes.head_dim, bias=False)
        self.v_proj = nn.Linear(sizes.hidden_size, sizes.num_key_value_heads * sizes.head_dim, bias=False)
        self.o_proj = nn.Linear(sizes.num_attention_heads * sizes.head_dim, sizes.hidden_size, bias=False)


class SelfAttention(Projections):
    """Grouped-query attention with a norm on each head's query and key."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__(config)
        self.q_norm = RMSNorm(config.head_dim, config.rms_norm_eps)
        self.k_norm = RMSNorm(config.head_dim, config.rms_norm_eps)

    def forward(self, x: Tensor, layer: int, step: Step) -> Tensor:
        """(rows, tokens, hidden_size) to the same; writes the layer's part of the cache."""
        heads = (*x.shape[:2], -1, self.head_dim)
        query = step.rotary.rotate(self.q_norm(self.q_proj(x).view(heads)))
        key = step.rotary.rotate(self.k_norm(self.k_proj(x).view(heads)))
        value = self.v_proj(x).view(heads)
        step.cache.write(layer, step.place, key, value)
        if step.span:
            key, value = step.cache.keys[layer][:, : step.span], step.cache.values[layer][:, : step.span]
        return torch.as_tensor(self.o_proj(step.attention(query, key, value, step.visible).flatten(2)))


class SwiGlu(nn.Module):
    """Gated feed-forward network with SiLU."""

    def __init__(self, hidden_size: int, intermediate_size: int) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(hidden_size, intermediate_size, bias=False)
        self.up_proj = nn.Linear(hidden_size, intermediate_size, bias=False)
        self.down_proj = nn.Linear(intermediate_size, hidden_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(..., hidden_size) to the same."""
        return torch.as_tensor(self.down_proj(functional.silu(self.gate_proj(x)) * self.up_proj(x)))


class DecoderLayer(nn.Module):
    """Attention and feed-forward, each normalised before and added after."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.self_attn = SelfAttention(config)
        self.mlp = SwiGlu(config.hidden_size, config.intermediate_size)
        self.input_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)

    def forward(self, x: Tensor, layer: int, step: Step) -> Tensor:
        """(rows, tokens, hidden_size) to the same."""
        x = x + self.self_attn(self.input_layernorm(x), layer, step)
        return torch.as_tensor(x + self.mlp(self.post_attention_layernorm(x)))


class Decoder(nn.Module):
    """The layers and the last norm."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(DecoderLayer(config) for _ in range(config.num_hidden_layers))
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps)

    def forward(self, x: Tensor, step: Step) -> Tensor:
        """Embeddings (rows, tokens, hidden_size) to hidden states of the same shape."""
        for index, layer in enumerate(self.layers):
            x = layer(x, index, step)
        return torch.as_tensor(self.norm(x))
