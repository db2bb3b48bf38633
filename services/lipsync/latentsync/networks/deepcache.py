"""DeepCache (Ma et al. 2023) as one rule: deep features change slowly, so every few steps are enough for them.

Published LatentSync runs the package at interval 3, branch 0. That is: keep what lies below the last layer from the
last full step; on the other steps run only the entrance, the last layer and the exit over it. Equal to the package in
every step, without its two recomputed motion modules.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

Full = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
Shallow = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


class DeepCache:
    """Decides step by step between `UNet.full` and `UNet.shallow`. One for each sampling run."""

    def __init__(self, full: Full, shallow: Shallow, interval: int) -> None:
        self._full, self._shallow, self._interval = full, shallow, interval
        self._features: Tensor | None = None

    def predict(self, index: int, sample: Tensor, timesteps: Tensor, audio: Tensor) -> Tensor:
        """Noise at step `index`; full on every `interval`-th step. Interval 1 never uses the cache."""
        if index % self._interval == 0 or self._features is None:
            noise, self._features = self._full(sample, timesteps, audio)
            return noise
        return self._shallow(sample, timesteps, audio, self._features)
