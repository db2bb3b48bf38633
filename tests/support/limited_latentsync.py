"""A LatentSync engine whose device has a limit that can be met on a CPU."""

from __future__ import annotations

import torch

from services.enginekit.progress import Progress
from services.lipsync.latentsync.engine import LatentSyncEngine

FULL_AT = 3


class LimitedEngine(LatentSyncEngine):
    """Runs out of device memory in the third step that its UNet ever does."""

    def warm_up(self, progress: Progress) -> None:
        loaded = bool(self._models)
        super().warm_up(progress)
        if loaded:
            return
        steps = iter(range(1, 10**9))

        def limited(*_):
            if next(steps) == FULL_AT:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")

        for model in self._models.values():
            model.unet.conv_in.register_forward_pre_hook(limited)
