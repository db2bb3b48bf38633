"""Which stretch of the voice each film frame gets: 200 ms around it, five encoder states a position."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

POSITIONS_BEFORE = 4
POSITIONS_PER_FRAME = 2
POSITIONS_PER_WINDOW = 10
"""Encoder positions (20 ms each) given to one frame: four before it, its own two, four after (`[2, 2]` frames)."""


def frame_windows(states: Tensor, frames: Sequence[int]) -> Tensor:
    """Audio tokens (frames, 10 * layers, dim) of the given film frames, from `states` (positions, layers, dim).

    Position-major, layer-minor; positions outside the voice repeat its first or last one. `frames` count from the
    frame that starts with the first position.
    """
    starts = torch.tensor(frames, device=states.device) * POSITIONS_PER_FRAME - POSITIONS_BEFORE
    positions = starts[:, None] + torch.arange(POSITIONS_PER_WINDOW, device=states.device)
    return states[positions.clamp(0, len(states) - 1)].flatten(1, 2)
