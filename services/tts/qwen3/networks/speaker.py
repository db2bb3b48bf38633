"""The speaker encoder: a recording to one vector that says who speaks (ECAPA-TDNN, Desplanques et al. 2020)."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from services.tts.qwen3.config import SpeakerEncoderConfig

SAMPLE_RATE_HZ = 24_000
_WINDOW = 1024  # samples
_HOP = 256  # samples
_SMALLEST = 1e-5


class TimeDelay(nn.Module):
    """Convolution of the same length, reflected at the edges, and a rectifier."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv1d(
            channels_in, channels_out, kernel, dilation=dilation, padding="same", padding_mode="reflect"
        )

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels_in, n) to (batch, channels_out, n)."""
        return functional.relu(self.conv(x))


class Res2Net(nn.Module):
    """Groups of channels, each hearing the one before it (Gao et al. 2019)."""

    def __init__(self, channels: int, scale: int, kernel: int, dilation: int) -> None:
        super().__init__()
        width = channels // scale
        self.blocks = nn.ModuleList(TimeDelay(width, width, kernel, dilation) for _ in range(scale - 1))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, n) to the same."""
        first, *groups = x.chunk(len(self.blocks) + 1, dim=1)
        outputs = [first]
        for index, (group, block) in enumerate(zip(groups, self.blocks, strict=True)):
            outputs.append(block(group + outputs[-1] if index else group))
        return torch.cat(outputs, dim=1)


class SqueezeExcitation(nn.Module):
    """Weighs channels by what the whole recording says (Hu et al. 2018)."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(channels, squeezed, 1)
        self.conv2 = nn.Conv1d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, n) to the same."""
        weight = self.conv2(functional.relu(self.conv1(x.mean(dim=2, keepdim=True))))
        return torch.as_tensor(x * weight.sigmoid())


class SpeakerBlock(nn.Module):
    """TDNN, Res2Net, TDNN and squeeze-excitation, added to the input."""

    def __init__(self, channels: int, kernel: int, dilation: int, config: SpeakerEncoderConfig) -> None:
        super().__init__()
        self.tdnn1 = TimeDelay(channels, channels)
        self.res2net_block = Res2Net(channels, config.enc_res2net_scale, kernel, dilation)
        self.tdnn2 = TimeDelay(channels, channels)
        self.se_block = SqueezeExcitation(channels, config.enc_se_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, n) to the same."""
        return torch.as_tensor(x + self.se_block(self.tdnn2(self.res2net_block(self.tdnn1(x)))))


class AttentivePooling(nn.Module):
    """Mean and deviation over time, weighted by attention of each channel."""

    def __init__(self, channels: int, attention_channels: int) -> None:
        super().__init__()
        self.tdnn = TimeDelay(3 * channels, attention_channels)
        self.conv = nn.Conv1d(attention_channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, n) to (batch, 2 * channels, 1)."""
        even = torch.full_like(x[:, :1], 1 / x.shape[-1])
        heard = torch.cat((x, *(part.expand_as(x) for part in self._statistics(x, even))), dim=1)
        weight = self.conv(self.tdnn(heard).tanh()).softmax(dim=2)
        return torch.cat(self._statistics(x, weight), dim=1)

    @staticmethod
    def _statistics(x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        mean = (weight * x).sum(2, keepdim=True)
        variance = (weight * (x - mean).square()).sum(2, keepdim=True)
        return mean, variance.clamp(min=1e-12).sqrt()


class SpeakerEncoder(nn.Module):
    """Log-mel frames to a speaker vector as wide as the talker."""

    def __init__(self, config: SpeakerEncoderConfig) -> None:
        super().__init__()
        channels, kernels, dilations = config.enc_channels, config.enc_kernel_sizes, config.enc_dilations
        self.blocks = nn.ModuleList(
            [
                TimeDelay(config.mel_dim, channels[0], kernels[0], dilations[0]),
                *(
                    SpeakerBlock(channels[index], kernels[index], dilations[index], config)
                    for index in range(1, len(channels) - 1)
                ),
            ]
        )
        self.mfa = TimeDelay(channels[-1], channels[-1], kernels[-1], dilations[-1])
        self.asp = AttentivePooling(channels[-1], config.enc_attention_channels)
        self.fc = nn.Conv1d(2 * channels[-1], config.enc_dim, 1)

    def forward(self, mel: Tensor) -> Tensor:
        """(batch, mel_dim, frames) to (batch, enc_dim)."""
        x, outputs = mel, []
        for block in self.blocks:
            x = block(x)
            outputs.append(x)
        pooled = self.asp(self.mfa(torch.cat(outputs[1:], dim=1)))
        return torch.as_tensor(self.fc(pooled).squeeze(-1))

    @torch.inference_mode()
    def vector(self, samples: NDArray[np.float32]) -> Tensor:
        """Speaker vector (enc_dim,) of mono `samples` at 24 kHz."""
        weight = self.fc.weight
        mel = log_mel(torch.from_numpy(samples))
        return torch.as_tensor(self(mel[None].to(weight.device, weight.dtype))[0])


def log_mel(samples: Tensor) -> Tensor:
    """Natural logarithm of the mel magnitudes, (128, frames) float32, of `samples` (n,) at 24 kHz.

    1024-point Hann windows every 256 samples, 128 Slaney mels from 0 to 12 kHz, floor 1e-5.
    """
    margin = (_WINDOW - _HOP) // 2
    padded = functional.pad(samples[None, None].float(), (margin, margin), mode="reflect")[0, 0]
    spectrum = torch.stft(padded, _WINDOW, _HOP, window=torch.hann_window(_WINDOW), center=False, return_complex=True)
    magnitude = (spectrum.real.square() + spectrum.imag.square() + 1e-9).sqrt()
    return (_mel_filters().T @ magnitude).clamp(min=_SMALLEST).log()


@cache
def _mel_filters() -> Tensor:
    from transformers.audio_utils import mel_filter_bank

    filters = mel_filter_bank(
        num_frequency_bins=_WINDOW // 2 + 1,
        num_mel_filters=128,
        min_frequency=0.0,
        max_frequency=SAMPLE_RATE_HZ / 2,
        sampling_rate=SAMPLE_RATE_HZ,
        norm="slaney",
        mel_scale="slaney",
    )
    return torch.from_numpy(filters).float()
