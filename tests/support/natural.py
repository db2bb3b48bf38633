"""Natural speech for tests with real weights: Kokoro's voices."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy import int16
from numpy.typing import NDArray

from services.enginekit.progress import Progress
from services.enginekit.settings import EngineSettings
from services.tts.engine import Speech, Synthesis
from services.tts.kokoro.engine import KokoroEngine
from services.tts.kokoro.network import SAMPLE_RATE_HZ
from tests.support.starter import starter_model

RATE_HZ = SAMPLE_RATE_HZ


@cache
def _voice() -> KokoroEngine:
    return KokoroEngine(EngineSettings(checkpoint=starter_model("kokoro-82m"), options={"threads": "1"}))


@cache
def spoken(text: str, voice: str) -> NDArray[int16]:
    """`text` at RATE_HZ."""
    events = _voice().synthesize(Synthesis(text, voice=voice), Progress())
    return np.concatenate([event.pcm for event in events if isinstance(event, Speech)])
