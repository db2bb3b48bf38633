"""What LatentSync hears: five layers of the Whisper tiny encoder (openai/whisper, MIT), names as in `tiny.pt`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from numpy import float32
from numpy.typing import NDArray
from torch import Tensor, nn

SAMPLE_RATE_HZ = 16000
HOP_SAMPLES = 160
"""Samples of one mel frame (10 ms)."""
WINDOW_SAMPLES = 30 * SAMPLE_RATE_HZ
"""Longest stretch the encoder takes at once."""

MELS = 80
"""Bands of the spectrogram."""

_FFT_SAMPLES = 400
_MEL_FRAMES = WINDOW_SAMPLES // HOP_SAMPLES


@dataclass(frozen=True)
class AudioDims:
    """Sizes of the encoder, the `dims` of the checkpoint that it needs; the defaults are Whisper tiny."""

    n_mels: int = MELS
    n_audio_ctx: int = 1500
    n_audio_state: int = 384
    n_audio_head: int = 6
    n_audio_layer: int = 4

    @classmethod
    def of(cls, dims: Mapping[str, int]) -> AudioDims:
        """From the checkpoint's `dims`. Raises KeyError when one is missing."""
        return cls(**{name: int(dims[name]) for name in cls.__dataclass_fields__})

    @property
    def states(self) -> int:
        """States taken per position: before the first block and after each."""
        return self.n_audio_layer + 1


@cache
def mel_filters() -> NDArray[float32]:
    """The 80 triangular filters (80, 201) of librosa for 16 kHz and 400-point FFTs, Slaney's scale and area norm."""
    bins_hz = np.linspace(0, SAMPLE_RATE_HZ / 2, _FFT_SAMPLES // 2 + 1)
    edges_hz = _mel_to_hz(np.linspace(0, _hz_to_mel(SAMPLE_RATE_HZ / 2), MELS + 2))
    widths_hz = np.diff(edges_hz)[:, None]
    rising = (bins_hz - edges_hz[:-2, None]) / widths_hz[:-1]
    falling = (edges_hz[2:, None] - bins_hz) / widths_hz[1:]
    area = 2.0 / (edges_hz[2:] - edges_hz[:-2])
    return (np.maximum(0, np.minimum(rising, falling)) * area[:, None]).astype(float32)


def log_mel(samples: Tensor) -> Tensor:
    """Log-mel spectrogram (80, len // 160) of `samples` in -1 ... 1 at 16 kHz, floored 80 dB below its own maximum."""
    window = torch.hann_window(_FFT_SAMPLES, device=samples.device)
    spectrum = torch.stft(samples, _FFT_SAMPLES, HOP_SAMPLES, window=window, return_complex=True)
    power = spectrum[:, :-1].abs() ** 2
    mel = torch.from_numpy(mel_filters()).to(samples.device) @ power
    level = mel.clamp(min=1e-10).log10()
    return (torch.maximum(level, level.max() - 8.0) + 4.0) / 4.0


class WhisperEncoder(nn.Module):
    """The audio encoder, only the part that LatentSync uses."""

    def __init__(self, dims: AudioDims) -> None:
        super().__init__()
        self.dims = dims
        self.encoder = _Encoder(dims)

    @torch.inference_mode()
    def states(self, samples: Tensor) -> Tensor:
        """(positions, states, dim) at 50 a second, for at most 30 s of `samples` (float32, -1 ... 1, 16 kHz).

        The spectrogram is padded to 30 s with 0 as published: that is how the released weights were trained.
        """
        mel = log_mel(samples)
        padded = F.pad(mel, (0, 2 * self.dims.n_audio_ctx - mel.shape[1]))
        dtype = self.encoder.conv1.weight.dtype
        states: Tensor = self.encoder(padded[None].to(dtype))
        return states[0, : mel.shape[1] // 2]


class _Encoder(nn.Module):
    positional_embedding: Tensor

    def __init__(self, dims: AudioDims) -> None:
        super().__init__()
        state = dims.n_audio_state
        self.conv1 = nn.Conv1d(dims.n_mels, state, 3, padding=1)
        self.conv2 = nn.Conv1d(state, state, 3, stride=2, padding=1)
        self.register_buffer("positional_embedding", _sinusoids(dims.n_audio_ctx, state))
        self.blocks = nn.ModuleList(_Block(state, dims.n_audio_head) for _ in range(dims.n_audio_layer))
        self.ln_post = nn.LayerNorm(state)  # in the checkpoint, not used here

    def forward(self, mel: Tensor) -> Tensor:
        x = F.gelu(self.conv2(F.gelu(self.conv1(mel)))).transpose(1, 2) + self.positional_embedding
        states = [x]
        for block in self.blocks:
            states.append(block(states[-1]))
        return torch.stack(states, dim=2)


class _Block(nn.Module):
    def __init__(self, state: int, heads: int) -> None:
        super().__init__()
        self.attn = _Attention(state, heads)
        self.attn_ln = nn.LayerNorm(state)
        self.mlp = nn.Sequential(nn.Linear(state, 4 * state), nn.GELU(), nn.Linear(4 * state, state))
        self.mlp_ln = nn.LayerNorm(state)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.attn_ln(x))
        out: Tensor = x + self.mlp(self.mlp_ln(x))
        return out


class _Attention(nn.Module):
    def __init__(self, state: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(state, state)
        self.key = nn.Linear(state, state, bias=False)
        self.value = nn.Linear(state, state)
        self.out = nn.Linear(state, state)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = (
            projection(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for projection in (self.query, self.key, self.value)
        )
        mixed = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        out: Tensor = self.out(mixed)
        return out


def _sinusoids(length: int, channels: int) -> Tensor:
    half = channels // 2
    scale = torch.exp(torch.arange(half) * (-np.log(10000.0) / (half - 1)))
    angles = torch.arange(length)[:, None] * scale
    return torch.cat((angles.sin(), angles.cos()), dim=1)


def _hz_to_mel(hz: float) -> float:
    """Slaney's scale: linear to 1 kHz, logarithmic above (Malcolm Slaney's Auditory Toolbox, 1998)."""
    return 3 * hz / 200 if hz < 1000 else 15 + 27 * float(np.log(hz / 1000) / np.log(6.4))


def _mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel < 15, mel * 200 / 3, 1000 * 6.4 ** ((np.maximum(mel, 15) - 15) / 27))
