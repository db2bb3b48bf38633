"""Attention over a key-value cache: which kernel computes it, and which cached positions a query sees."""

from __future__ import annotations

import importlib
import logging
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from services.base.errors import InvalidInputError

_LOG = logging.getLogger(__name__)

_FLASH_CAPABILITY = 8, 0  # README of flash-attn 2; older GPUs refuse at the first call


@dataclass(frozen=True)
class Visible:
    """What each query sees: the first `lengths` cached positions, (batch,) int32 or one number for all rows.

    Without lengths the queries are the first positions of their rows and see each other causally.
    """

    lengths: Tensor | int | None = None
    mask: Tensor | None = None

    @staticmethod
    def up_to(positions: Tensor, span: int) -> Visible:
        """One query a row, at `positions` (batch,): it sees itself and what came before, of `span` cached positions."""
        mask = torch.arange(span, device=positions.device)[None] <= positions[:, None]
        return Visible((positions + 1).int(), mask[:, None, None])


class Attention(Protocol):
    """Scaled dot-product attention with grouped heads."""

    def __call__(self, query: Tensor, key: Tensor, value: Tensor, visible: Visible) -> Tensor:
        """Query (batch, queries, heads, dim), key and value (batch, span, kv_heads, dim); returns query's shape."""


def sdpa(query: Tensor, key: Tensor, value: Tensor, visible: Visible) -> Tensor:
    """PyTorch's fused attention."""
    rows, queries, heads, dim = query.shape
    # No kernel has both a mask and grouped heads, so a single query's heads become queries of their group's one key.
    folded = query.view(rows, key.shape[2], heads // key.shape[2], dim) if queries == 1 else query.transpose(1, 2)
    output = functional.scaled_dot_product_attention(
        folded,
        key.transpose(1, 2),
        value.transpose(1, 2),
        attn_mask=visible.mask,
        is_causal=visible.lengths is None,
        enable_gqa=folded.shape[1] != key.shape[2],
    )
    return output.reshape(rows, 1, heads, dim) if queries == 1 else output.transpose(1, 2)


def eager(query: Tensor, key: Tensor, value: Tensor, visible: Visible) -> Tensor:
    """The formula, written out; the benchmark's baseline."""
    groups = query.shape[2] // key.shape[2]
    keys, values = (part.repeat_interleave(groups, dim=2).transpose(1, 2) for part in (key, value))
    mask = visible.mask
    if visible.lengths is None:
        mask = torch.ones(query.shape[1], key.shape[1], dtype=torch.bool, device=query.device).tril()
    scores = query.transpose(1, 2) @ keys.transpose(2, 3) * query.shape[-1] ** -0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    weights = scores.softmax(-1, dtype=torch.float32).to(query.dtype)
    return torch.as_tensor((weights @ values).transpose(1, 2))


def flash(query: Tensor, key: Tensor, value: Tensor, visible: Visible) -> Tensor:
    """The flash-attn 2 package, whose cache layout is ours (batch, positions, heads, dim)."""
    package = importlib.import_module("flash_attn")
    if visible.lengths is None:
        return torch.as_tensor(package.flash_attn_func(query, key, value, causal=True))
    return torch.as_tensor(
        package.flash_attn_with_kvcache(query, key, value, cache_seqlens=visible.lengths, causal=True)
    )


_ATTENTIONS: dict[str, Attention] = {"sdpa": sdpa, "eager": eager, "flash_attention_2": flash}


def choose_attention(wanted: str, device: torch.device, dtype: torch.dtype) -> tuple[str, Attention]:
    """The attention called `wanted`; "auto" takes flash_attention_2 where it can run, else sdpa. Logged.

    flash-attn is never required: it is published as source only, and this model is bound by kernel launches, where it
    gains a few per cent at most. Raises InvalidInputError for another name, or when flash-attn is wanted but unusable.
    """
    if wanted not in (*_ATTENTIONS, "auto"):
        raise InvalidInputError(
            f"There is no attention {wanted!r}.", f"Use one of auto, {', '.join(_ATTENTIONS)}.", "options.attention"
        )
    obstacle = _flash_obstacle(device, dtype)
    if wanted == "flash_attention_2" and obstacle:
        raise InvalidInputError(f"flash_attention_2 {obstacle}.", "Use auto or sdpa.", "options.attention")
    name = wanted if wanted != "auto" else "sdpa" if obstacle else "flash_attention_2"
    _LOG.info("attention: %s%s", name, f" (flash_attention_2 {obstacle})" if obstacle else "")
    return name, _ATTENTIONS[name]


def _flash_obstacle(device: torch.device, dtype: torch.dtype) -> str:
    if device.type != "cuda":
        return "runs on CUDA only"
    if dtype not in (torch.float16, torch.bfloat16):
        return f"does not compute in {dtype}"
    if torch.cuda.get_device_capability(device) < _FLASH_CAPABILITY:
        return "needs an Ampere GPU or a newer one"
    try:
        importlib.import_module("flash_attn")
    except ImportError:
        return "is not installed"
    return ""
