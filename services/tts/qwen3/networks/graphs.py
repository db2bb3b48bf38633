"""CUDA graphs of the frame step: some 2,700 kernel launches a frame become one.

At one stream this model is bound by launches, not by arithmetic; others measured 5 to 8 times the speed on large cards.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

from services.enginekit.cuda import Recorder
from services.enginekit.progress import Progress
from services.tts.qwen3.frame import FrameStep


class FrameGraphs:
    """One graph for each bucket of rows (1, 2, 4 ... all) and span; recorded once, at load, before any take."""

    def __init__(self, step: FrameStep, record: Recorder, progress: Progress | None = None) -> None:
        self._step = step
        self._rows = _buckets(step.rows)
        self._replays: dict[tuple[int, int], Callable[[], None]] = {}
        with torch.inference_mode():
            for rows in self._rows:
                for span in step.spans():
                    self._replays[rows, span], _ = record(partial(step.frame, rows, span))
                    if progress:
                        progress.advance()

    @staticmethod
    def count(step: FrameStep) -> int:
        """Graphs that will be recorded, for progress."""
        return len(step.spans()) * len(_buckets(step.rows))

    @torch.inference_mode()
    def run(self, rows: int) -> None:
        """Makes the next frame of the first `rows` rows; the bucket's other rows run along, unread."""
        bucket = next(size for size in self._rows if size >= rows)
        self._replays[bucket, self._step.span(rows)]()
        self._step.count_frame(rows)


def _buckets(rows: int) -> list[int]:
    return [*(2**power for power in range(rows.bit_length()) if 2**power < rows), rows]
