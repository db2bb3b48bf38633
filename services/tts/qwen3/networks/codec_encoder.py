"""The codec's encoder: a recording to frames of 16 codes. It is a Mimi model, taken from transformers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


def mimi_encoder(config: Mapping[str, Any]) -> nn.Module:
    """The encoding half of a Mimi model with the published names, weights not yet loaded.

    Always on the CPU: Mimi computes buffers while it is built, which the meta device would lose.
    """
    from transformers import MimiConfig, MimiModel
    from transformers.modeling_utils import no_init_weights

    with torch.device("cpu"), no_init_weights():
        mimi = MimiModel(MimiConfig(**config))  # type: ignore[no-untyped-call]
    # The checkpoint has no Mimi decoder; codec.py is the decoder.
    for name in ("upsample", "decoder_transformer", "decoder"):
        setattr(mimi, name, None)
    return cast("nn.Module", mimi)


@torch.inference_mode()
def encode(encoder: nn.Module, samples: NDArray[np.float32], quantizers: int, samples_per_frame: int) -> Tensor:
    """Codes (frames, quantizers) int64 of mono `samples` at 24 kHz; a partial last frame counts."""
    weight = next(encoder.parameters())
    waveform = torch.from_numpy(samples).to(weight.device, weight.dtype)
    codes = encoder.encode(waveform[None, None]).audio_codes  # type: ignore[operator]
    frames = -(-len(samples) // samples_per_frame)
    return torch.as_tensor(codes[0, :quantizers, :frames].T.contiguous())
