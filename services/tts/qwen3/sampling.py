"""Choosing the next code: repetition penalty, temperature, top-k, top-p, and a race of exponentials for the draw.

The noise of a draw is an argument, made by the request's own generator: the choice itself is then a pure function, so
a CUDA graph and a plain loop choose the same code, and no request touches the process's global seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

_SMALLEST_NOISE = torch.finfo(torch.float32).tiny


@dataclass(frozen=True)
class Sampling:
    """How codes are drawn; the defaults are those of the published generation_config.json."""

    do_sample: bool = True
    temperature: float = 0.9
    top_k: int = 50
    top_p: float = 1.0
    repetition_penalty: float = 1.05

    @staticmethod
    def of_talker(values: Mapping[str, Any]) -> Sampling:
        """The talker's part of a generation_config.json."""
        return Sampling(**{name: values[name] for name in Sampling.__dataclass_fields__ if name in values})

    @staticmethod
    def of_predictor(values: Mapping[str, Any]) -> Sampling:
        """The code predictor's part, which has no repetition penalty."""
        names = {"do_sample": "subtalker_dosample"} | {
            name: f"subtalker_{name}" for name in ("temperature", "top_k", "top_p")
        }
        chosen = {name: values[published] for name, published in names.items() if published in values}
        return Sampling(repetition_penalty=1.0, **chosen)


def draw(logits: Tensor, noise: Tensor, sampling: Sampling) -> Tensor:
    """Codes (rows,) drawn from float32 `logits` (rows, codes) with exponential `noise` of the same shape.

    argmax(p / noise) has the distribution p when the noise is standard exponential; torch.multinomial does the same.
    """
    if not sampling.do_sample:
        return logits.argmax(-1)
    probabilities = _cut(logits / sampling.temperature, sampling).softmax(-1)
    return (probabilities / noise.clamp_min(_SMALLEST_NOISE)).argmax(-1)


def penalise_repetition(logits: Tensor, seen: Tensor, penalty: float) -> Tensor:
    """Makes codes marked in `seen` (rows, codes) less likely (Keskar et al. 2019, CTRL)."""
    if penalty == 1.0:
        return logits
    return torch.where(seen, torch.where(logits < 0, logits * penalty, logits / penalty), logits)


def _cut(logits: Tensor, sampling: Sampling) -> Tensor:
    if 0 < sampling.top_k < logits.shape[-1]:
        smallest = logits.topk(sampling.top_k).values[:, -1:]
        logits = logits.masked_fill(logits < smallest, float("-inf"))
    if sampling.top_p < 1.0:
        ascending, order = logits.sort()
        rest = ascending.softmax(-1).cumsum(-1) <= 1.0 - sampling.top_p
        rest[:, -1] = False
        logits = logits.masked_fill(torch.zeros_like(rest).scatter(1, order, rest), float("-inf"))
    return logits
