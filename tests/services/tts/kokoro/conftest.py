from __future__ import annotations

from pathlib import Path

import pytest

from services.enginekit.progress import Progress
from services.enginekit.settings import EngineSettings
from services.tts.kokoro.engine import KokoroEngine
from tests.support.starter import starter_model


@pytest.fixture(scope="session")
def checkpoint() -> Path:
    return starter_model("kokoro-82m")


@pytest.fixture(scope="session")
def engine(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> KokoroEngine:
    settings = EngineSettings(checkpoint=checkpoint, cache_root=tmp_path_factory.mktemp("cache"))
    engine = KokoroEngine(settings)
    engine.warm_up(Progress())
    return engine
