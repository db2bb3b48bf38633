"""Which of torch's alternative kernels compute this model."""

from __future__ import annotations

import torch


def settle_kernels() -> None:
    """Settles it for the whole process, which serves nothing else. Changes nothing on a CPU.

    Turns off TF32, whose 10 bits would be heard where the codec's chunks join. Turns off cuDNN's attention, which torch
    prefers on Hopper and Blackwell (`sdp_utils.cpp`) and which makes a new plan for every prompt length: others
    measured 0.44 s for each on a B200 (modelscope/FunASR, issue 3704).
    """
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.enable_cudnn_sdp(False)
