"""Making the UNet's two entry points fast: plain, compiled, or as CUDA graphs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, Literal, TypeVar

import torch
from torch import Tensor

from services.base.errors import FailedPreconditionError
from services.enginekit.cuda import CudaGraphs, Recorder
from services.enginekit.device import is_device_lost, is_out_of_memory
from services.lipsync.latentsync.networks.deepcache import Full, Shallow
from services.lipsync.latentsync.networks.unet import UNet
from services.lipsync.latentsync.sampler import Denoiser

_LOG = logging.getLogger(__name__)

Acceleration = Literal["off", "compile", "cuda-graphs"]
Outputs = TypeVar("Outputs")


def denoiser_of(unet: UNet, acceleration: Acceleration, backend: str = "inductor") -> Denoiser:
    """The UNet as the sampling loop calls it.

    "compile" fuses what lies between the matrix products (a minute at the first call of each shape); "cuda-graphs"
    also replays the launches as one. Attention is torch's: in half precision on CUDA its flash kernel, or cuDNN's.
    """
    weight = unet.conv_in.weight
    if acceleration == "off":
        return Denoiser(unet.full, unet.shallow, weight.dtype, weight.device)
    full: Full = torch.compile(unet.full, backend=backend, dynamic=False, fullgraph=True)
    shallow: Shallow = torch.compile(unet.shallow, backend=backend, dynamic=False, fullgraph=True)
    compiled = Denoiser(full, shallow, weight.dtype, weight.device)
    return compiled if acceleration == "compile" else recorded(compiled, CudaGraphs(weight.device).record)


@contextmanager
def compiling() -> Iterator[None]:
    """Raises FailedPreconditionError (NOT_COMPILED) where torch.compile finds no compiler, or one that fails."""
    from torch._dynamo.exc import TorchDynamoException

    try:
        yield
    except TorchDynamoException as error:
        if is_out_of_memory(error) or is_device_lost(error):
            raise
        _LOG.warning("torch.compile failed", exc_info=error)
        raise FailedPreconditionError(
            "torch.compile cannot compile the UNet on this machine; the worker's log has the reason.",
            "Install gcc, g++ and Python's headers, or set options.acceleration to off.",
            "options.acceleration",
            "NOT_COMPILED",
        ) from error


def recorded(denoiser: Denoiser, record: Recorder) -> Denoiser:
    """The same denoiser, each entry point recorded once for each set of shapes; may be called from any thread.

    Not torch.compile's own graphs: those belong to the thread that recorded them, and calls come on several threads.
    """
    lock = threading.Lock()  # one for both: recordings share memory
    full = _Recorded(denoiser.full, record, lock, lambda pair: (pair[0].clone(), pair[1].clone()))
    shallow = _Recorded(denoiser.shallow, record, lock, Tensor.clone)
    return Denoiser(full, shallow, denoiser.dtype, denoiser.device)


class _Recorded(Generic[Outputs]):
    """A function of tensors as recordings; results are copied, because the next replay overwrites them."""

    def __init__(
        self,
        function: Callable[..., Outputs],
        record: Recorder,
        lock: threading.Lock,
        copied: Callable[[Outputs], Outputs],
    ) -> None:
        self._function, self._record, self._lock, self._copied = function, record, lock, copied
        self._known: dict[tuple[torch.Size, ...], tuple[list[Tensor], Callable[[], None], Outputs]] = {}

    def __call__(self, *given: Tensor) -> Outputs:
        shapes = tuple(tensor.shape for tensor in given)
        with self._lock:
            if shapes not in self._known:
                kept = [tensor.clone() for tensor in given]
                self._known[shapes] = kept, *self._record(lambda: self._function(*kept))
            inputs, replay, outputs = self._known[shapes]
            for own, new in zip(inputs, given, strict=True):
                own.copy_(new)
            replay()
            return self._copied(outputs)
