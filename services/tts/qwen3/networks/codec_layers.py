"""Causal convolutions that carry their past input: decoding in chunks equals decoding at once.

Every layer only looks back. What it needs of earlier chunks is kept in a `CodecState`, which starts as zeros, as the
published decoder pads.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class CodecState:
    """What each layer of one decoder carries from chunk to chunk, and `frames`, how many it has decoded.

    Carried tensors are never changed in place, so a copy is cheap and independent.
    """

    def __init__(self, carried: dict[nn.Module, tuple[Tensor, ...]] | None = None, frames: int = 0) -> None:
        self._carried = dict(carried or {})
        self.frames = frames

    def copy(self) -> CodecState:
        """The same past, to be continued independently."""
        return CodecState(self._carried, self.frames)

    def of(self, layer: nn.Module) -> tuple[Tensor, ...] | None:
        """What `layer` kept, None before the first chunk."""
        return self._carried.get(layer)

    def keep(self, layer: nn.Module, *tensors: Tensor) -> None:
        """Replaces what `layer` kept. Clones, so that a small tail does not hold a whole chunk in memory."""
        self._carried[layer] = tuple(tensor.clone() for tensor in tensors)


def _with_past(layer: nn.Module, x: Tensor, samples: int, state: CodecState) -> Tensor:
    """`x` (batch, channels, n) with the last `samples` of the past put in front."""
    if samples == 0:
        return x
    past = state.of(layer)
    joined = torch.cat((past[0] if past else x.new_zeros(*x.shape[:2], samples), x), dim=-1)
    state.keep(layer, joined[..., -samples:])
    return joined


class CausalConv(nn.Module):
    """Convolution of stride 1 that sees the present and the past."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, *, dilation: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels_in, channels_out, kernel, dilation=dilation, groups=groups)
        self._past = (kernel - 1) * dilation

    def forward(self, x: Tensor, state: CodecState) -> Tensor:
        """(batch, channels_in, n) to (batch, channels_out, n)."""
        return torch.as_tensor(self.conv(_with_past(self, x, self._past, state)))


class CausalUpsample(nn.Module):
    """Transposed convolution, cut at the right so that no output waits for later input."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose1d(channels_in, channels_out, kernel, stride=stride)
        self._stride = stride
        self._past = -(-kernel // stride) - 1

    def forward(self, x: Tensor, state: CodecState) -> Tensor:
        """(batch, channels_in, n) to (batch, channels_out, n * stride)."""
        y = self.conv(_with_past(self, x, self._past, state))
        start = self._past * self._stride
        return torch.as_tensor(y[..., start : start + x.shape[-1] * self._stride])


class SnakeBeta(nn.Module):
    """x + sin^2(alpha x) / beta, with learnt logarithms of alpha and beta (Ziyin et al. 2020; BigVGAN)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.zeros(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, n) to the same."""
        alpha, beta = self.alpha.exp()[:, None], self.beta.exp()[:, None]
        return torch.as_tensor(x + torch.sin(x * alpha).square() / (beta + 1e-9))


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution and a pointwise network, added to the input (Liu et al. 2022)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.dwconv = CausalConv(channels, channels, 7, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.pwconv1 = nn.Linear(channels, 4 * channels)
        self.pwconv2 = nn.Linear(4 * channels, channels)
        self.gamma = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor, state: CodecState) -> Tensor:
        """(batch, channels, n) to the same."""
        y = self.norm(self.dwconv(x, state).transpose(1, 2))
        y = self.gamma * self.pwconv2(functional.gelu(self.pwconv1(y)))
        return torch.as_tensor(x + y.transpose(1, 2))


class ResidualUnit(nn.Module):
    """Dilated convolution between two snakes, added to the input."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.act1 = SnakeBeta(channels)
        self.conv1 = CausalConv(channels, channels, 7, dilation=dilation)
        self.act2 = SnakeBeta(channels)
        self.conv2 = CausalConv(channels, channels, 1)

    def forward(self, x: Tensor, state: CodecState) -> Tensor:
        """(batch, channels, n) to the same."""
        return torch.as_tensor(x + self.conv2(self.act2(self.conv1(self.act1(x), state)), state))


class UpsampleBlock(nn.Module):
    """Snake, upsampling by `rate` and three residual units."""

    def __init__(self, channels_in: int, channels_out: int, rate: int) -> None:
        super().__init__()
        self.block = nn.ModuleList(
            [
                SnakeBeta(channels_in),
                CausalUpsample(channels_in, channels_out, 2 * rate, rate),
                *(ResidualUnit(channels_out, dilation) for dilation in (1, 3, 9)),
            ]
        )

    def forward(self, x: Tensor, state: CodecState) -> Tensor:
        """(batch, channels_in, n) to (batch, channels_out, n * rate)."""
        snake, *rest = self.block
        x = snake(x)
        for layer in rest:
            x = layer(x, state)
        return x
