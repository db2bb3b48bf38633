"""Classifier-free guidance over the voice: the null voice is zeros of the same shape."""

from __future__ import annotations

import torch
from torch import Tensor


def with_null_audio(audio: Tensor) -> Tensor:
    """(n, tokens, dim) to (2 n, tokens, dim): the null voice first, as published."""
    return torch.cat((torch.zeros_like(audio), audio))


def guided(noise: Tensor, scale: float) -> Tensor:
    """(2 batch, ...) predicted for null and voice to (batch, ...): away from the null by `scale`, in float32."""
    null, voice = noise.float().chunk(2)
    return null + scale * (voice - null)
