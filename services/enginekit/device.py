"""What the runtime asks about a device, without importing the framework that drives it."""

from __future__ import annotations

import gc
import sys

from services.base.errors import FailedPreconditionError

_OUT_OF_MEMORY = ("out of memory", "_ALLOC_FAILED")  # the second: cuBLAS, cuDNN or cuFFT found no room of their own
_CUDA_FAILED = ("CUDA error", "CUDA failed with error")  # as torch says it, and as CTranslate2 does


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the host or the device had no memory left; the process can go on.

    Also where another error came of it: a CUDA graph whose recording broke off says so when it is ended.
    """
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if any(sign in str(error) for sign in _OUT_OF_MEMORY):
        return True
    return error.__context__ is not None and is_out_of_memory(error.__context__)


def is_device_lost(error: BaseException) -> bool:
    """Whether the CUDA context is unusable (illegal access, device assert, bus error): only a new process helps.

    CUDA calls these sticky errors; lack of memory is not one of them.
    """
    return any(sign in str(error) for sign in _CUDA_FAILED) and not is_out_of_memory(error)


def device_memory() -> tuple[int, int]:
    """Bytes of device memory that this process has reserved, and those of them in use; 0 where torch drives no device.

    What CTranslate2 holds is not in them: it tells nobody.
    """
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return 0, 0
    devices = range(torch.cuda.device_count())
    return sum(map(torch.cuda.memory_reserved, devices)), sum(map(torch.cuda.memory_allocated, devices))


def no_device(name: str) -> FailedPreconditionError:
    """The error of a device that this machine does not have, or does not have yet."""
    remedy = "Use cpu; or cuda, where nvidia-smi shows the GPU and torch is built for CUDA and for its driver."
    return FailedPreconditionError(f"There is no device {name!r} here.", remedy, "device", "DEVICE_MISSING")


def release_device_memory() -> None:
    """Gives cached device memory back after an out-of-memory error.

    Call it when the error is gone: until then, the frames that it came through hold their tensors.
    """
    gc.collect()  # what an error came through is often in a cycle with it
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
