"""Learning what the lips do from speech: plain gradient descent on random stretches of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from assets.tools.mouth.lessons import Lesson
from services.lipsync.warp.shape_model import AFTER, BEFORE, DILATIONS, Layer
from services.lipsync.warp.spectra import BANDS

_CHANNELS = 24
_TAPS = 3
_STEPS = 100  # of a stretch that is judged at once
_BATCH = 64
_RATE = 3e-3
_WEIGHTS = (1.0, 0.6, 0.15)  # of openness, width, closure in what is to become small
_ROUNDED, _CLOSED = 2.0, torch.tensor(4.0)  # how much more rounded and closed lips count, which are rare


def trained(lessons: Sequence[Lesson], rounds: int, seed: int) -> list[Layer]:
    """The layers of a ShapeModel that has been through `rounds` batches; the same seed gives the same layers."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    random = np.random.default_rng(seed)
    network = _network()
    optimiser = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, rounds)
    stretches = _Stretches(lessons)
    for _ in range(rounds):
        spectra, lips = stretches.batch(random)
        loss = _loss(network(spectra), lips)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return [
        Layer(layer.weight.detach().permute(2, 1, 0).contiguous().numpy(), layer.bias.detach().numpy())
        for layer in network
        if isinstance(layer, nn.Conv1d)
    ]


def _network() -> nn.Sequential:
    layers: list[nn.Module] = []
    inputs = BANDS
    for dilation in DILATIONS:
        layers += [nn.Conv1d(inputs, _CHANNELS, _TAPS, dilation=dilation), nn.ReLU()]
        inputs = _CHANNELS
    return nn.Sequential(*layers, nn.Conv1d(inputs, 3, 1))


class _Stretches:
    """All lessons one after the other, to take stretches from anywhere."""

    def __init__(self, lessons: Sequence[Lesson]) -> None:
        self._spectra = torch.from_numpy(np.concatenate([lesson.spectra for lesson in lessons]))
        self._lips = torch.from_numpy(np.concatenate([lesson.lips for lesson in lessons]))

    def batch(self, random: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        starts = random.integers(BEFORE, len(self._lips) - AFTER - _STEPS, _BATCH)
        spectra = torch.stack([self._spectra[start - BEFORE : start + _STEPS + AFTER] for start in starts])
        lips = torch.stack([self._lips[start : start + _STEPS] for start in starts])
        return spectra.transpose(1, 2), lips.transpose(1, 2)


def _loss(heard: torch.Tensor, lips: torch.Tensor) -> torch.Tensor:
    """What is wrong with openness, width and closure (batch, 3, steps)."""
    openness = torch.square(torch.sigmoid(heard[:, 0]) - lips[:, 0]).mean()
    rounded = 1 + _ROUNDED * torch.clamp(-lips[:, 1], min=0)
    width = (torch.square(torch.tanh(heard[:, 1]) - lips[:, 1]) * rounded).mean()
    closure = nn.functional.binary_cross_entropy_with_logits(heard[:, 2], lips[:, 2], pos_weight=_CLOSED)
    return _WEIGHTS[0] * openness + _WEIGHTS[1] * width + _WEIGHTS[2] * closure
