from pathlib import Path

import pytest

from services.asr.whisper.engine import WhisperEngine
from services.enginekit.settings import EngineSettings
from tests.checkpoints.whisper import write_whisper


@pytest.fixture(scope="package")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_whisper(tmp_path_factory.mktemp("whisper"))


@pytest.fixture(scope="package")
def make_engine(checkpoint, tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")

    def make(folder=checkpoint, device="cpu", **options):
        settings = {"cpu_threads": "1", "beam_size": "1", **options}
        return WhisperEngine(EngineSettings(device, folder, cache, settings))

    return make


@pytest.fixture(scope="package")
def engine(make_engine):
    """Takes the words of the attention for sure, however unlikely random weights find them."""
    return make_engine(min_confidence="0")
