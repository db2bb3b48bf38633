"""The fill rule of tests/golden: every weight and input is a function of its name and shape."""

import zlib

import numpy as np
import torch
from numpy import float32
from numpy.typing import NDArray
from torch import Tensor, nn


def drawn(name: str, shape: tuple[int, ...]) -> NDArray[float32]:
    """Standard normal numbers seeded by the name."""
    return np.random.Generator(np.random.PCG64(zlib.crc32(name.encode()))).standard_normal(shape, dtype=np.float32)


def filled_tensor(name: str, shape: tuple[int, ...]) -> Tensor:
    """A parameter as the rule fills it."""
    x = drawn(name, shape)
    if len(shape) > 1:
        return torch.from_numpy(x * np.float32(0.05))
    return torch.from_numpy(x * np.float32(0.02) + (1 if name.endswith("weight") else 0))


def fill(module: nn.Module) -> nn.Module:
    """Fills every parameter of a module by its name; buffers stay as computed."""
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.copy_(filled_tensor(name, tuple(parameter.shape)))
    return module.eval()


def input_of(tag: str, shape: tuple[int, ...]) -> Tensor:
    """A network input as the rule draws it."""
    return torch.from_numpy(drawn(f"{tag}/0", shape))
