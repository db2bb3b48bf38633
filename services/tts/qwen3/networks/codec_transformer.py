"""The codec's transformer over frames: each sees itself and the 71 before it, whichever chunk they came in."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from services.tts.qwen3.config import CodecConfig
from services.tts.qwen3.networks.attention import Visible, sdpa
from services.tts.qwen3.networks.codec_layers import CodecState
from services.tts.qwen3.networks.decoder import Projections, RMSNorm, Rotary, SwiGlu, rotary_tables


class LayerScale(nn.Module):
    """A learnt factor for each channel (Touvron et al. 2021)."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(size))

    def forward(self, x: Tensor) -> Tensor:
        """(..., size) to the same."""
        return self.scale * x


class WindowAttention(Projections):
    """Attention over a sliding window, keys and values of the window carried from chunk to chunk."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__(config)
        self._past = config.sliding_window - 1

    def forward(self, x: Tensor, rotary: Rotary, visible: Visible, state: CodecState) -> Tensor:
        """(batch, frames, hidden_size) to the same."""
        heads = (*x.shape[:2], -1, self.head_dim)
        query = rotary.rotate(self.q_proj(x).view(heads))
        key, value = rotary.rotate(self.k_proj(x).view(heads)), self.v_proj(x).view(heads)
        if past := state.of(self):
            key, value = torch.cat((past[0], key), dim=1), torch.cat((past[1], value), dim=1)
        state.keep(self, key[:, -self._past :], value[:, -self._past :])
        return torch.as_tensor(self.o_proj(sdpa(query, key, value, visible).flatten(2)))


class CodecLayer(nn.Module):
    """Attention and feed-forward, each normalised before, scaled and added after."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.self_attn = WindowAttention(config)
        self.mlp = SwiGlu(config.hidden_size, config.intermediate_size)
        self.input_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.self_attn_layer_scale = LayerScale(config.hidden_size)
        self.mlp_layer_scale = LayerScale(config.hidden_size)

    def forward(self, x: Tensor, rotary: Rotary, visible: Visible, state: CodecState) -> Tensor:
        """(batch, frames, hidden_size) to the same."""
        x = x + self.self_attn_layer_scale(self.self_attn(self.input_layernorm(x), rotary, visible, state))
        return torch.as_tensor(x + self.mlp_layer_scale(self.mlp(self.post_attention_layernorm(x))))


class CodecTransformer(nn.Module):
    """Eight such layers in the released codec, between two projections."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(CodecLayer(config) for _ in range(config.num_hidden_layers))
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.input_proj = nn.Linear(config.latent_dim, config.hidden_size)
        self.output_proj = nn.Linear(config.hidden_size, config.latent_dim)
        self._head_dim, self._theta, self._window = config.head_dim, config.rope_theta, config.sliding_window

    def forward(self, x: Tensor, state: CodecState) -> Tensor:
        """(batch, frames, latent_dim) to the same."""
        frames, past = x.shape[1], min(state.frames, self._window - 1)
        x = self.input_proj(x)
        end = state.frames + frames
        rotary = rotary_tables(self._head_dim, self._theta, end, x.device, x.dtype).at(slice(state.frames, end))
        visible = self._window_of(frames, past, x.device)
        for layer in self.layers:
            x = layer(x, rotary, visible, state)
        return torch.as_tensor(self.output_proj(self.norm(x)))

    def _window_of(self, frames: int, past: int, device: torch.device) -> Visible:
        query = torch.arange(past, past + frames, device=device)[:, None]
        key = torch.arange(past + frames, device=device)
        return Visible(past + frames, (key <= query) & (key > query - self._window))
