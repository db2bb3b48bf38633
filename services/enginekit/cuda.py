"""CUDA graphs for engines: device work that is recorded once and launched as a whole. Imports torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import torch

Result = TypeVar("Result")

_WARM_UP_RUNS = 3  # in the first runs libraries choose kernels and allocate memory


class Recorder(Protocol):
    """Something that records device work."""

    def __call__(self, work: Callable[[], Result]) -> tuple[Callable[[], None], Result]:
        """Runs `work` a few times and records it; returns a function that repeats it, and the result of `work`.

        A repetition reads and writes the same tensors again, including those of the result.
        """


class CudaGraphs:
    """Records work as CUDA graphs. The graphs share memory, so their replays must not overlap."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._pool = torch.cuda.graph_pool_handle()

    def record(self, work: Callable[[], Result]) -> tuple[Callable[[], None], Result]:
        """See Recorder. `work` must neither wait for the device nor depend on values in its memory.

        Warm-up and capture use the same stream, so that the libraries' workspaces for it exist before the capture.
        """
        with torch.cuda.device(self._device):
            present = torch.cuda.current_stream()
            self._stream.wait_stream(present)
            with torch.cuda.stream(self._stream):
                for _ in range(_WARM_UP_RUNS):
                    work()
            present.wait_stream(self._stream)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"):
                result = work()
        return graph.replay, result
