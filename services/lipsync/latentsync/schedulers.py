"""Samplers: DDIM and DPM-Solver++ (2M) over the published noise schedule.

1000 steps, betas linear in their square root from 0.00085 to 0.012, the network predicts the noise, nothing is clipped
(configs/scheduler_config.json of the release).
"""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
from numpy import float64, int64
from numpy.typing import NDArray
from torch import Tensor

TRAINING_STEPS = 1000


def alphas_cumprod() -> NDArray[float64]:
    """Share of the signal left after each training step, (1000,), falling."""
    betas = np.linspace(math.sqrt(0.00085), math.sqrt(0.012), TRAINING_STEPS) ** 2
    return np.cumprod(1.0 - betas, dtype=float64)


class Scheduler(Protocol):
    """Steps of one sampling run. Holds the run's state: make a new one for every batch of chunks."""

    timesteps: NDArray[int64]
    """Training steps at which the network is asked, noisiest first."""

    def step(self, noise: Tensor, index: int, latents: Tensor) -> Tensor:
        """Latents after step `index`, from the predicted `noise` and the latents before; any shape, float32."""


class Ddim:
    """Denoising diffusion implicit models (Song et al. 2020), eta 0, leading spacing, offset 1, last alpha not one."""

    def __init__(self, steps: int) -> None:
        self._stride = TRAINING_STEPS // steps
        self._alphas = alphas_cumprod()
        self.timesteps: NDArray[int64] = np.arange(steps, dtype=int64)[::-1] * self._stride + 1

    def step(self, noise: Tensor, index: int, latents: Tensor) -> Tensor:
        """See Scheduler."""
        now = int(self.timesteps[index])
        alpha, alpha_next = self._alphas[now], self._alphas[max(now - self._stride, 0)]
        clean = (latents - math.sqrt(1 - alpha) * noise) / math.sqrt(alpha)
        return math.sqrt(alpha_next) * clean + math.sqrt(1 - alpha_next) * noise


class DpmSolver:
    """DPM-Solver++ (2M), multistep, second order, first order at both ends (Lu et al. 2022, algorithm 2)."""

    def __init__(self, steps: int) -> None:
        self.timesteps: NDArray[int64] = np.linspace(0, TRAINING_STEPS - 1, steps + 1).round()[:0:-1].astype(int64)
        alphas = np.append(alphas_cumprod()[self.timesteps], 1.0)  # ends on the clean picture
        self._alpha, self._sigma = np.sqrt(alphas), np.sqrt(1 - alphas)
        with np.errstate(divide="ignore"):
            self._lambda = np.log(self._alpha) - np.log(self._sigma)
        self._before: Tensor | None = None

    def step(self, noise: Tensor, index: int, latents: Tensor) -> Tensor:
        """See Scheduler."""
        clean = (latents - float(self._sigma[index]) * noise) / float(self._alpha[index])
        target = self._extrapolated(clean, index)
        self._before = clean
        ratio = float(self._sigma[index + 1] / self._sigma[index])
        decay = math.exp(self._lambda[index] - self._lambda[index + 1])
        return ratio * latents + (1 - decay) * float(self._alpha[index + 1]) * target

    def _extrapolated(self, clean: Tensor, index: int) -> Tensor:
        if self._before is None or index + 1 == len(self.timesteps):
            return clean
        width = self._lambda[index + 1] - self._lambda[index]
        width_before = self._lambda[index] - self._lambda[index - 1]
        return clean + (clean - self._before) * float(width / (2 * width_before))
