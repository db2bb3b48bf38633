"""CUDA graphs of the frame step: some 2,700 kernel launches a frame become one.

At one stream this model is bound by launches, not by arithmetic; others measured 5 to 8 times the speed on large cards.
"""

from __future__ import annotations

import torch

from services.runtime.progress import Progress
from services.tts.qwen3.frame import FrameStep

_WARM_UP_RUNS = 3


class FrameGraphs:
    """One graph for each bucket of rows (1, 2, 4 ... all) and span; captured once, at load."""

    def __init__(self, step: FrameStep, progress: Progress | None = None) -> None:
        self._step = step
        self._rows = _buckets(step.rows)
        self._graphs: dict[tuple[int, int], torch.cuda.CUDAGraph] = {}
        self._pool = torch.cuda.graph_pool_handle()
        for rows in self._rows:
            for span in step.spans():
                self._graphs[rows, span] = self._captured(rows, span)
                if progress:
                    progress.advance()

    @staticmethod
    def count(step: FrameStep) -> int:
        """Graphs that will be captured, for progress."""
        return len(step.spans()) * len(_buckets(step.rows))

    def run(self, rows: int) -> None:
        """Makes the next frame of the first `rows` rows; rows up to the bucket's run along unread."""
        bucket = next(size for size in self._rows if size >= rows)
        self._graphs[bucket, self._step.span(rows)].replay()
        self._step.count_frame(rows)

    @torch.inference_mode()
    def _captured(self, rows: int, span: int) -> torch.cuda.CUDAGraph:
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UP_RUNS):
                self._step.frame(rows, span)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool):
            self._step.frame(rows, span)
        return graph


def _buckets(rows: int) -> list[int]:
    return [*(2**power for power in range(rows.bit_length()) if 2**power < rows), rows]
