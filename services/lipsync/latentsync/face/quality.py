"""What draft, standard and best mean: how many steps of which solver, how often the whole UNet runs, how large.

Best is the published sampler without its cache. Standard halves the steps with DPM-Solver++ (ten look like twenty of
DDIM, bytedance/LatentSync#290) and runs every other step over cached features. Draft is for looking at timing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from services.lipsync.engine import Quality
from services.lipsync.latentsync.schedulers import Ddim, DpmSolver, Scheduler

_SOLVERS: Mapping[str, Callable[[int], Scheduler]] = {"ddim": Ddim, "dpm": DpmSolver}


@dataclass(frozen=True)
class Mode:
    """A way to sample. `resolution` is a wish; the nearest loaded checkpoint is used."""

    solver: str
    steps: int
    cache_interval: int
    resolution: int

    def scheduler(self) -> Scheduler:
        """A fresh sampling run."""
        return _SOLVERS[self.solver](self.steps)


MODES: Mapping[Quality, Mode] = {
    Quality.DRAFT: Mode("dpm", steps=6, cache_interval=3, resolution=256),
    Quality.STANDARD: Mode("dpm", steps=10, cache_interval=2, resolution=512),
    Quality.BEST: Mode("ddim", steps=20, cache_interval=1, resolution=512),
}
