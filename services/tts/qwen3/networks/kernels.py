"""Which of the kernels that torch has for an operation compute this model."""

from __future__ import annotations

import torch


def settle_kernels() -> None:
    """For the whole process, which serves nothing else. Changes nothing on a processor.

    Without TF32, whose 10 bits would be heard in a codec that is to join without seam. Without cuDNN's attention, which
    torch prefers on Hopper and Blackwell (`sdp_utils.cpp`) and which plans anew for every length of prompt: others
    measured 0.44 s for each on a B200 (modelscope/FunASR, issue 3704).
    """
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.enable_cudnn_sdp(False)
