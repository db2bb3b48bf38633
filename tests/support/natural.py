"""Natural speech for tests with real weights: Kokoro's voices, and one that spoils its takes when it is asked to."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
from numpy import int16
from numpy.typing import NDArray

from services.enginekit.progress import Progress
from services.enginekit.settings import EngineSettings
from services.tts.engine import Event, Finish, FinishReason, Speech, Synthesis
from services.tts.kokoro.engine import KokoroEngine
from services.tts.kokoro.network import SAMPLE_RATE_HZ
from tests.support.starter import starter_model

RATE_HZ = SAMPLE_RATE_HZ
CUT_SEED, REPEATED_SEED, OTHER_WORDS_SEED = 101, 102, 103
"""With these `SpoilingKokoro` goes wrong; with any other seed it is right."""


@cache
def _voice() -> KokoroEngine:
    return KokoroEngine(EngineSettings(checkpoint=starter_model("kokoro-82m"), options={"threads": "1"}))


@cache
def spoken(text: str, voice: str) -> NDArray[int16]:
    """`text` at RATE_HZ."""
    return _said(_voice().synthesize(Synthesis(text, voice=voice), Progress()))


class SpoilingKokoro(KokoroEngine):
    """Does with some seeds what generative voices do now and then: stops early, says the end again, or other words."""

    def synthesize(self, request: Synthesis, progress: Progress) -> Iterator[Event]:
        """See KokoroEngine."""
        pcm = _said(super().synthesize(request, progress))
        match request.seed:
            case seed if seed == CUT_SEED:
                pcm = pcm[: len(pcm) * 6 // 10]
            case seed if seed == REPEATED_SEED:
                pcm = np.concatenate([pcm, pcm[len(pcm) * 6 // 10 :]])
            case seed if seed == OTHER_WORDS_SEED:
                other = Synthesis("谢谢大家的收看。", request.language, request.voice)
                pcm = np.concatenate([pcm[: len(pcm) // 2], _said(super().synthesize(other, progress))])
        yield Speech(pcm)
        yield Finish(FinishReason.END_OF_TEXT)


def _said(events: Iterator[Event]) -> NDArray[int16]:
    return np.concatenate([event.pcm for event in events if isinstance(event, Speech)])
