"""Group normalisation over several frames at once."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class FrameGroupNorm(nn.GroupNorm):
    """Group norm whose statistics span `frames` neighbouring pictures.

    LatentSync's resnets normalise a whole chunk together: a changed last frame changes the first. Written on views
    that exist in any memory format, because the native kernel would copy channels-last pictures twice.
    """

    def forward(self, x: Tensor, frames: int = 1) -> Tensor:
        """(batch * frames, channels, height, width) to the same; statistics in float32."""
        count, channels, height, width = x.shape
        grouped = x.view(count // frames, frames, self.num_groups, channels // self.num_groups, height, width)
        wide = grouped.float()
        variance, mean = torch.var_mean(wide, dim=(1, 3, 4, 5), correction=0, keepdim=True)
        weight, bias = (p.float().view(1, 1, self.num_groups, -1, 1, 1) for p in (self.weight, self.bias))
        scale = weight * torch.rsqrt(variance + self.eps)
        shift = bias - mean * scale
        return torch.addcmul(shift, wide, scale).to(x.dtype).view(x.shape)
