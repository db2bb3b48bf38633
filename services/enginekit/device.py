"""Devices as engines and the runtime see them: errors, memory, seeds. Imports no framework that drives a device."""

from __future__ import annotations

import gc
import hashlib
import sys

from services.base.errors import FailedPreconditionError

_OUT_OF_MEMORY = ("out of memory", "_ALLOC_FAILED")  # the second: of cuBLAS, cuDNN and cuFFT
_CUDA_FAILED = ("CUDA error", "CUDA failed with error")  # as torch says it, and as CTranslate2 does


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the host or the device ran out of memory, after which the process can go on.

    True also for an error that followed from that: ending the recording of a CUDA graph that broke off raises its own.
    """
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if any(sign in str(error) for sign in _OUT_OF_MEMORY):
        return True
    return error.__context__ is not None and is_out_of_memory(error.__context__)


def is_device_lost(error: BaseException) -> bool:
    """Whether the CUDA context is unusable (illegal access, device assert, bus error): only a new process helps.

    CUDA calls these sticky errors; running out of memory is not one of them.
    """
    return any(sign in str(error) for sign in _CUDA_FAILED) and not is_out_of_memory(error)


def device_memory() -> tuple[int, int]:
    """Bytes of device memory that this process has reserved, and how many of them are in use; 0 without torch and CUDA.

    Memory held by CTranslate2 is not included: it does not report it.
    """
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return 0, 0
    devices = range(torch.cuda.device_count())
    return sum(map(torch.cuda.memory_reserved, devices)), sum(map(torch.cuda.memory_allocated, devices))


def no_device(name: str) -> FailedPreconditionError:
    """The error for a device that this machine does not have, or not yet."""
    remedy = "Use cpu; or cuda, where nvidia-smi shows the GPU and torch is built for CUDA and for its driver."
    return FailedPreconditionError(f"There is no device {name!r} here.", remedy, "device", "DEVICE_MISSING")


def release_device_memory() -> None:
    """Gives cached device memory back after an out-of-memory error.

    Call it once the error object is gone: until then the stack frames in its traceback hold their tensors.
    """
    gc.collect()  # an error and the frames of its traceback often form a cycle
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def seed_of_noise(seed: int) -> int:
    """The seed for `torch.Generator`, 0 to 2^63 - 1, from one of 64 bits.

    Seeds from 2^32 on are hashed, since the generator of a processor uses only the low 32 bits.
    """
    if seed < 2**32:
        return seed
    return int.from_bytes(hashlib.sha256(str(seed).encode()).digest()[:8], "big") >> 1
