"""What the voice says is understood by Whisper, both with their real weights; `make quality` measures it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from services.enginekit.progress import Progress
from services.tts.engine import Speech, Synthesis
from services.tts.kokoro.engine import KokoroEngine
from tests.support.starter import starter_model

HEARD_HZ = 16_000


@pytest.fixture(scope="module")
def ears():
    from faster_whisper import WhisperModel

    folder: Path = starter_model("faster-whisper-base")
    return WhisperModel(str(folder), compute_type="int8", cpu_threads=1)


@pytest.mark.parametrize(
    ("text", "voice", "language", "parts"),
    [
        ("今天的天气非常好，我们一起去公园吧。", "zf_xiaobei", "zh", ["今天", "公园"]),
        ("欢迎大家来到北京大学。", "zm_yunxi", "zh", ["欢迎", "北京大学"]),
        ("The children were playing in the garden, and everybody laughed.", "af_heart", "en", ["children", "garden"]),
        ("We need a new printer for the office.", "bm_george", "en", ["printer", "office"]),
    ],
)
def test_it_is_understood(engine: KokoroEngine, ears, text: str, voice: str, language: str, parts: list[str]) -> None:
    import soxr

    events = engine.synthesize(Synthesis(text, language=language, voice=voice), Progress())
    samples = np.concatenate([event.pcm for event in events if isinstance(event, Speech)]).astype(np.float32) / 32768
    sound = soxr.resample(samples, engine.sample_rate_hz, HEARD_HZ)
    prompt = "以下是普通话的句子。" if language == "zh" else None
    segments, _ = ears.transcribe(sound, language=language, initial_prompt=prompt)
    heard = "".join(segment.text for segment in segments)
    assert not [part for part in parts if part not in heard], heard
