"""A Qwen3 engine whose device has a limit that can be met on a CPU."""

from collections.abc import Iterator

import torch

from services.enginekit.progress import Progress
from services.tts.engine import Finish, Speech, Synthesis, WordMark
from services.tts.qwen3.engine import Qwen3Engine


class LimitedEngine(Qwen3Engine):
    """Runs out of device memory in the third frame of a text that says so."""

    def synthesize(self, request: Synthesis, progress: Progress) -> Iterator[Speech | WordMark | Finish]:
        self.warm_up(progress)
        step = self._model.loop.step
        attention, calls = step.attention, iter(range(10**9))

        def limited(query, key, value, visible):
            if next(calls) > 60:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")
            return attention(query, key, value, visible)

        if "memory" in request.text:
            step.attention = limited
        try:
            yield from super().synthesize(request, progress)
        finally:
            step.attention = attention
