"""The 12 Hz codec's decoder: frames of 16 codes to samples, causal, 1920 samples a frame at 24 kHz.

Residual vector quantizer, convolution, sliding-window transformer, two ConvNeXt upsamplings (x4), four snake blocks
(x480). Module names match the published `speech_tokenizer`.
"""

from __future__ import annotations

from functools import cached_property
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from services.tts.qwen3.config import CodecConfig
from services.tts.qwen3.networks.codec_layers import (
    CausalConv,
    CausalUpsample,
    CodecState,
    ConvNeXtBlock,
    SnakeBeta,
    UpsampleBlock,
)
from services.tts.qwen3.networks.codec_transformer import CodecTransformer


class Codebook(nn.Module):
    """Entries kept as sums and counts, as training leaves them."""

    def __init__(self, size: int, dim: int) -> None:
        super().__init__()
        self.cluster_usage = nn.Parameter(torch.ones(size))
        self.embedding_sum = nn.Parameter(torch.zeros(size, dim))

    @cached_property
    def table(self) -> Tensor:
        """Mean of each entry, (size, dim); computed once, after loading."""
        return self.embedding_sum / self.cluster_usage.clamp(min=1e-5)[:, None]


class ResidualCodebooks(nn.Module):
    """Codebooks whose entries add up; the odd nesting of names comes from the checkpoint."""

    def __init__(self, quantizers: int, size: int, dim: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.ModuleDict({"_codebook": Codebook(size, dim)}) for _ in range(quantizers))

    def forward(self, codes: Tensor) -> Tensor:
        """(batch, quantizers, frames) to (batch, frames, dim)."""
        tables = [layer["_codebook"].table for layer in self.layers]  # type: ignore[index]
        chosen = [functional.embedding(group, table) for group, table in zip(codes.unbind(1), tables, strict=True)]
        return torch.stack(chosen).sum(0)


class Quantizer(nn.Module):
    """Adds up the entries that the codes of one group of codebooks select."""

    def __init__(self, quantizers: int, config: CodecConfig) -> None:
        super().__init__()
        dim = config.codebook_dim // 2
        self.input_proj = nn.Conv1d(
            config.codebook_dim, dim, 1, bias=False
        )  # published with the decoder, not used by it
        self.output_proj = nn.Conv1d(dim, config.codebook_dim, 1, bias=False)
        self.vq = ResidualCodebooks(quantizers, config.codebook_size, dim)

    def forward(self, codes: Tensor) -> Tensor:
        """(batch, quantizers, frames) to (batch, codebook_dim, frames)."""
        return torch.as_tensor(self.output_proj(self.vq(codes).transpose(1, 2)))


class SplitQuantizer(nn.Module):
    """The first codebook carries meaning, the others sound; each group has its own projection."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.rvq_first = Quantizer(1, config)
        self.rvq_rest = Quantizer(config.num_quantizers - 1, config)

    def forward(self, codes: Tensor) -> Tensor:
        """(batch, 16, frames) to (batch, codebook_dim, frames)."""
        return torch.as_tensor(self.rvq_first(codes[:, :1]) + self.rvq_rest(codes[:, 1:]))


class CodecDecoder(nn.Module):
    """Codes to samples, in chunks of any size."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.quantizer = SplitQuantizer(config)
        self.pre_conv = CausalConv(config.codebook_dim, config.latent_dim, 3)
        self.pre_transformer = CodecTransformer(config)
        self.upsample = nn.ModuleList(
            nn.ModuleList(
                [CausalUpsample(config.latent_dim, config.latent_dim, ratio, ratio), ConvNeXtBlock(config.latent_dim)]
            )
            for ratio in config.upsampling_ratios
        )
        widths = [config.decoder_dim // 2**stage for stage in range(len(config.upsample_rates) + 1)]
        blocks = (
            UpsampleBlock(wide, narrow, rate)
            for wide, narrow, rate in zip(widths, widths[1:], config.upsample_rates, strict=False)
        )
        self.decoder = nn.ModuleList(
            [CausalConv(config.latent_dim, widths[0], 7), *blocks, SnakeBeta(widths[-1]), CausalConv(widths[-1], 1, 7)]
        )

    @torch.inference_mode()
    def decode(self, codes: Tensor, state: CodecState) -> Tensor:
        """Float samples (batch, frames * 1920) within [-1, 1] of int64 `codes` (batch, frames, 16).

        `state` holds the past of the same streams and is advanced; a fresh one starts them.
        """
        x = self.pre_conv(self.quantizer(codes.transpose(1, 2)), state)
        x = self.pre_transformer(x.transpose(1, 2), state).transpose(1, 2)
        state.frames += codes.shape[1]
        for layer in (layer for pair in self.upsample for layer in cast("nn.ModuleList", pair)):
            x = layer(x, state)
        first, *blocks, snake, last = self.decoder
        x = first(x, state)
        for block in blocks:
            x = block(x, state)
        return torch.as_tensor(last(snake(x), state).squeeze(1).clamp(-1.0, 1.0))
