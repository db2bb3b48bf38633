"""The whole engine on a pretended GPU speaks as on the processor, and does nothing that a card would refuse."""

from itertools import zip_longest

import numpy as np
import pytest

from services.runtime.engine_settings import EngineSettings
from services.runtime.progress import Progress
from services.tts.engine import Speech, Synthesis
from services.tts.qwen3.engine import Qwen3Engine
from tests.pretend_cuda import pretended_cuda

TEXT = "你好，这是 hello。"


@pytest.fixture
def spoken(folders, tmp_path):
    """Samples of several requests whose takes run side by side."""

    def speak(device, kind, options, requests):
        settings = EngineSettings(
            device=device, checkpoint=folders[kind], cache_root=tmp_path, options={"max_positions": "256"} | options
        )
        engine = Qwen3Engine(settings)
        rounds = zip_longest(*(engine.synthesize(request, Progress()) for request in requests))
        events = list(zip(*rounds, strict=True))
        return [np.concatenate([event.pcm for event in take if isinstance(event, Speech)]) for take in events]

    return speak


@pytest.mark.parametrize(
    ("kind", "as_on_cuda", "options"),
    [
        ("base", {"dtype": "bfloat16"}, {}),
        ("custom_voice", {"dtype": "float32", "top_p": "0.8", "streams": "2"}, {"graphs": "on"}),
        ("voice_design", {"dtype": "float16", "attention": "eager"}, {"graphs": "off"}),
    ],
)
def test_speech_of_the_device_is_that_of_the_processor(spoken, recording, kind, as_on_cuda, options):
    requests = [Synthesis(TEXT, seed=3)]
    if kind == "base":
        requests = [Synthesis(TEXT, seed=3, reference_audio=recording, reference_text="hello")]
    elif "streams" in as_on_cuda:
        requests.append(Synthesis("hello", seed=5))
    expected = spoken("cpu", kind, as_on_cuda, requests)
    with pretended_cuda():
        found = spoken("cuda", kind, options if kind == "base" else as_on_cuda | options, requests)
    for ours, theirs in zip(found, expected, strict=True):
        assert len(ours) == len(theirs) > 0
        assert np.abs(ours.astype(int) - theirs).max() <= 1  # weights read from the file lie elsewhere in memory
