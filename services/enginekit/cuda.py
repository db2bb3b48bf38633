"""CUDA graphs: device work recorded once and launched as one, for engines; server processes never load torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import torch

Result = TypeVar("Result")

_WARM_UP_RUNS = 3  # libraries choose kernels and take their memory in the first ones


class Recorder(Protocol):
    """A way to record device work."""

    def __call__(self, work: Callable[[], Result]) -> tuple[Callable[[], None], Result]:
        """Runs `work` some times and records it; gives what repeats it, and what it returned.

        A repetition reads and writes the same tensors again, those of the result included.
        """


class CudaGraphs:
    """Records work as CUDA graphs. They share memory: replays must follow each other, not overlap."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._pool = torch.cuda.graph_pool_handle()

    def record(self, work: Callable[[], Result]) -> tuple[Callable[[], None], Result]:
        """See Recorder. `work` must neither wait for the device nor depend on values that lie there.

        Warmed up and captured on one stream, so that the libraries' workspaces for it are there before.
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
