"""The whole engine on a pretended GPU speaks as on the processor, and does nothing that a card would refuse."""

from itertools import zip_longest

import numpy as np
import pytest

from services.enginekit.progress import Progress
from services.enginekit.settings import EngineSettings
from services.tts.engine import Speech, Synthesis
from services.tts.qwen3.engine import Qwen3Engine
from tests.support.pretend_cuda import pretended_cuda

TEXT = "你好，这是 hello。"
ONE_SPAN = {"max_positions": "256"}


@pytest.fixture
def spoken(folders, tmp_path):
    """Samples of several requests, whose takes run side by side in one thread."""

    def speak(device, kind, options, requests):
        engine = Qwen3Engine(EngineSettings(device, folders[kind], tmp_path, ONE_SPAN | options))
        rounds = zip_longest(*(engine.synthesize(request, Progress()) for request in requests))
        takes = zip(*rounds, strict=True)
        return [np.concatenate([event.pcm for event in take if isinstance(event, Speech)]) for take in takes]

    return speak


def assert_same_speech(found, expected):
    for ours, theirs in zip(found, expected, strict=True):
        assert len(ours) == len(theirs) > 0
        assert np.abs(ours.astype(int) - theirs).max() <= 1  # weights that stay in their file round otherwise


def test_a_cloned_voice_with_the_settings_that_a_device_chooses(spoken, recording):
    """In bfloat16 and with graphs."""
    requests = [Synthesis(TEXT, seed=3, reference_audio=recording, reference_text="hello")]
    expected = spoken("cpu", "base", {"dtype": "bfloat16"}, requests)
    with pretended_cuda():
        assert_same_speech(spoken("cuda", "base", {}, requests), expected)


@pytest.mark.parametrize(
    ("kind", "options", "graphs", "seeds"),  # of takes that end soon
    [
        ("custom_voice", {"dtype": "float32", "top_p": "0.8", "streams": "2"}, "on", (3, 5)),
        ("voice_design", {"dtype": "float16", "attention": "eager", "streams": "2"}, "off", (6, 1)),
    ],
)
def test_two_takes_at_once_with_other_settings(spoken, kind, options, graphs, seeds):
    requests = [Synthesis(text, seed=seed) for text, seed in zip((TEXT, "hello"), seeds, strict=True)]
    expected = spoken("cpu", kind, options, requests)
    with pretended_cuda():
        assert_same_speech(spoken("cuda", kind, options | {"graphs": graphs}, requests), expected)
