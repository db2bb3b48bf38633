"""A Whisper engine whose device has a limit that can be met on a CPU."""

from __future__ import annotations

from services.asr.whisper.engine import WhisperEngine
from services.enginekit.progress import Progress

FULL_AT = 2  # the first window is that of the warm-up


class LimitedEngine(WhisperEngine):
    """Runs out of device memory in the first window of its first call, as CTranslate2 says it."""

    def warm_up(self, progress: Progress) -> None:
        super().warm_up(progress)
        assert self._hearing is not None
        model = self._hearing._model
        if "encode" in vars(model):
            return
        encode, calls = model.encode, iter(range(FULL_AT, 10**9))

        def limited(features):
            if next(calls) == FULL_AT:
                raise RuntimeError("CUDA failed with error out of memory")
            return encode(features)

        model.encode = limited
