"""Where the GPU bench runs: the one place that knows whether there is CUDA. Clock, streams, memory, ceilings."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from services.enginekit.cuda import CudaGraphs, Recorder
from tests.bench.limits_cost import CARD_BYTES_PER_S, CARD_FLOPS, Cost
from tests.support.recorder import rerun


@dataclass(frozen=True)
class Timing:
    """Seconds of a call: the first one, with all that is prepared or compiled in it, and the median of later ones."""

    first_s: float
    median_s: float


class Machine:
    """A device, and the ceilings measured on it; until they are, those of the data sheet."""

    def __init__(self, device: torch.device, clock: Callable[[], float] = time.perf_counter) -> None:
        self.device, self._clock = device, clock
        self.cuda = device.type == "cuda"
        self.patience_s = 2.0 if self.cuda else 0.0  # for one case: toys are not worth a repetition
        self.flops_per_s, self.bytes_per_s = CARD_FLOPS, CARD_BYTES_PER_S
        self._module: Any = torch.get_device_module(device)

    @property
    def name(self) -> str:
        """What to put over the table."""
        return torch.cuda.get_device_name(self.device) if self.cuda else "CPU, toy sizes"

    def recorder(self) -> Recorder:
        """CUDA graphs; without CUDA the work is done again instead."""
        return CudaGraphs(self.device).record if self.cuda else rerun

    def stream(self) -> AbstractContextManager[object]:
        """A stream of its own for what is launched inside, on this thread."""
        return self._module.stream(self._module.Stream())  # type: ignore[no-any-return]

    def wait(self) -> None:
        """Until the device has nothing left to do."""
        self._module.synchronize()

    def timed(self, call: Callable[[], object], repeats: int = 40) -> Timing:
        """Calls and waits: once first, then `repeats` times, fewer where patience ends, but at least once."""
        first_s, times = self.once(call), []
        end = time.perf_counter() + self.patience_s
        while not times or (len(times) < repeats and time.perf_counter() < end):
            times.append(self.once(call))
        return Timing(first_s, statistics.median(times))

    def once(self, call: Callable[[], object]) -> float:
        """Seconds of one call to its end on the device."""
        self.wait()
        begun = self._clock()
        call()
        self.wait()
        return self._clock() - begun

    def reserved(self) -> int:
        """Bytes that this process holds on the device, after giving back what is only cached; 0 without CUDA."""
        if not self.cuda:
            return 0
        torch.cuda.empty_cache()
        return torch.cuda.memory_reserved(self.device)

    @contextmanager
    def peak(self, others: int = 0) -> Iterator[Callable[[], str]]:
        """Gives a function that says how much was held inside at most, without the `others` bytes of other networks."""
        self.reserved()
        if self.cuda:
            torch.cuda.reset_peak_memory_stats(self.device)
        yield (
            lambda: (
                f"{(torch.cuda.max_memory_reserved(self.device) - others) / 1e9:.1f} GB"
                if self.cuda
                else "GB not known"
            )
        )

    def measure_product(self, side: int, dtype: torch.dtype) -> str:
        """A large square matrix product on random numbers: the ceiling of arithmetic."""
        a, b = (torch.randn(side, side, device=self.device, dtype=dtype) for _ in range(2))
        self.flops_per_s = 2 * side**3 / self.timed(lambda: a @ b).median_s
        return f"{self.flops_per_s / 1e12:.2f} TFLOP/s, {side} x {side}, {dtype}"

    def measure_copy(self, numbers: int) -> str:
        """A large copy on the device, bytes read and written: the ceiling of memory."""
        source = torch.randn(numbers, device=self.device)
        target = torch.empty_like(source)
        self.bytes_per_s = 2 * source.nbytes / self.timed(lambda: target.copy_(source)).median_s
        return f"{self.bytes_per_s / 1e9:.0f} GB/s, {source.nbytes / 1e9:.2f} GB from place to place"

    def measure_convolution(self, channels: int, side: int, dtype: torch.dtype) -> str:
        """As `measure_product`, by 3 x 3 convolutions, and the faster of both stays the ceiling."""
        pictures = torch.randn(2, channels, side, side, device=self.device, dtype=dtype)
        pictures = pictures.contiguous(memory_format=torch.channels_last)
        weight = torch.randn(channels, channels, 3, 3, device=self.device, dtype=dtype)
        took_s = self.timed(lambda: functional.conv2d(pictures, weight, padding=1)).median_s
        flops_per_s = 2 * pictures.numel() * weight[0].numel() / took_s
        self.flops_per_s = max(self.flops_per_s, flops_per_s)
        return f"{flops_per_s / 1e12:.2f} TFLOP/s, {channels} channels of {side} x {side}, {dtype}"

    def measure_read(self, side: int) -> str:
        """A large square matrix times a vector: the ceiling of reading, which no copy reaches on a processor."""
        matrix, vector = (torch.randn(rows, side, device=self.device) for rows in (side, 1))
        self.bytes_per_s = matrix.nbytes / self.timed(lambda: vector @ matrix.T).median_s
        return f"{self.bytes_per_s / 1e9:.0f} GB/s, {matrix.nbytes / 1e9:.2f} GB read"

    def least_s(self, cost: Cost) -> float:
        """The least time of `cost` at the measured ceilings."""
        return cost.seconds(self.flops_per_s, self.bytes_per_s)
