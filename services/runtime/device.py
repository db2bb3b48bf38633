"""What the runtime asks about a device, without importing the framework that drives it."""

from __future__ import annotations

import sys


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the host or the device had no memory left; the process can go on."""
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or "out of memory" in str(error)


def is_device_lost(error: BaseException) -> bool:
    """Whether the CUDA context is unusable (illegal access, device assert, bus error): only a new process helps.

    CUDA calls these sticky errors; torch reports them as "CUDA error: ...". Lack of memory is not one of them.
    """
    return "CUDA error" in str(error) and not is_out_of_memory(error)


def device_memory_bytes() -> int:
    """Device memory reserved by this process; 0 when no device framework is loaded."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return 0
    return sum(torch.cuda.memory_reserved(index) for index in range(torch.cuda.device_count()))


def release_device_memory() -> None:
    """Gives cached device memory back after an out-of-memory error."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
