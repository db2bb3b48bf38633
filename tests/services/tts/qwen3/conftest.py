import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from services.enginekit.progress import Progress
from services.enginekit.settings import EngineSettings
from services.tts.qwen3.engine import Qwen3Engine
from services.tts.qwen3.frame import FrameStep
from services.tts.qwen3.loop import FrameLoop
from services.tts.qwen3.model import LoadedModel
from tests.checkpoints.qwen3 import KINDS, make_checkpoint
from tests.golden.qwen3.make_golden import reference_audio

MakeEngine = Callable[..., Qwen3Engine]
MakeLoop = Callable[..., FrameLoop]


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def folders(tmp_path_factory) -> dict[str, Path]:
    """A tiny checkpoint of each kind, and a CustomVoice one whose takes never end by themselves."""
    root = tmp_path_factory.mktemp("qwen3")
    made = {kind: make_checkpoint(root / kind, kind) for kind in KINDS}
    made["talkative"] = make_checkpoint(root / "talkative", "custom_voice", talkative=True)
    return made


@pytest.fixture(scope="session")
def make_engine(folders, tmp_path_factory) -> MakeEngine:
    cache = tmp_path_factory.mktemp("cache")

    def make(kind: str = "base", **options: str) -> Qwen3Engine:
        return Qwen3Engine(EngineSettings(checkpoint=folders[kind], cache_root=cache, options=options))

    return make


@pytest.fixture(scope="session")
def model(make_engine) -> LoadedModel:
    """A loaded CustomVoice checkpoint."""
    engine = make_engine("custom_voice")
    engine.warm_up(Progress())
    return engine._model


@pytest.fixture
def make_loop(model) -> MakeLoop:
    def make(rows: int = 1, **settings) -> FrameLoop:
        attention = settings.pop("attention", model.loop.step.attention)
        return FrameLoop(FrameStep(model.model.talker, model.config, attention, rows=rows, **settings))

    return make


@pytest.fixture(scope="session")
def recording(tmp_path_factory) -> Path:
    """2.1 s of a voice-like glide, 24 kHz, mono WAV."""
    path = tmp_path_factory.mktemp("reference") / "voice.wav"
    write_wav(path, reference_audio())
    return path


def write_wav(path: Path, samples: np.ndarray, rate_hz: int = 24_000) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate_hz, 0, "NONE", ""))
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
