from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from services.enginekit.device import (
    device_memory,
    is_device_lost,
    is_out_of_memory,
    release_device_memory,
    seed_of_noise,
)


class OutOfMemoryError(RuntimeError):
    """As torch names it."""


@pytest.mark.parametrize(
    ("error", "memory", "lost"),
    [
        (MemoryError(), True, False),
        (OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."), True, False),
        (RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB."), True, False),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), False, True),
        (RuntimeError("CUDA error: device-side assert triggered"), False, True),
        (RuntimeError("CUDA error: out of memory"), True, False),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True, False),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), True, False),
        (RuntimeError("cuFFT error: CUFFT_ALLOC_FAILED"), True, False),
        (RuntimeError("CUDA failed with error out of memory"), True, False),
        (RuntimeError("CUDA failed with error an illegal memory access was encountered"), False, True),
        (ValueError("expected a tensor on cuda"), False, False),
    ],
)
def test_kinds_of_device_errors(error: Exception, memory: bool, lost: bool) -> None:
    assert is_out_of_memory(error) is memory
    assert is_device_lost(error) is lost


def test_memory_used_up_while_a_graph_is_recorded_does_not_end_the_process() -> None:
    def record() -> None:
        try:
            raise OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        finally:
            raise RuntimeError("CUDA error: operation failed due to a previous error during capture")

    with pytest.raises(RuntimeError, match="capture") as broken:
        record()
    assert is_out_of_memory(broken.value)
    assert not is_device_lost(broken.value)


def test_cached_memory_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    emptied: list[str] = []
    cuda = SimpleNamespace(is_initialized=lambda: True, empty_cache=lambda: emptied.append("cache"))
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    release_device_memory()
    assert emptied == ["cache"]


def test_memory_of_all_devices_is_added_up(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = SimpleNamespace(
        is_initialized=lambda: True,
        device_count=lambda: 2,
        memory_reserved=lambda index: 100 + index,
        memory_allocated=lambda index: 10 + index,
    )
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    assert device_memory() == (201, 21)


def test_process_without_a_device_framework_has_no_device_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    release_device_memory()
    assert device_memory() == (0, 0)


def test_small_seeds_are_themselves_and_large_ones_differ_in_their_lowest_bits() -> None:
    assert [seed_of_noise(seed) for seed in (0, 7, 2**32 - 1)] == [0, 7, 2**32 - 1]
    large = [seed_of_noise(seed) for seed in (2**32 + 7, 2**33 + 7, 2**64 - 1)]
    assert len({seed % 2**32 for seed in [7, *large]}) == 4
    assert all(0 <= seed < 2**63 for seed in large)
