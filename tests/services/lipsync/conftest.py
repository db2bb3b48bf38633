from pathlib import Path

import pytest

from services.enginekit.settings import EngineSettings
from services.lipsync.warp.engine import WarpEngine
from tests.support.faces import portrait, write_mp4


@pytest.fixture(scope="session")
def cache_root(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def engine(cache_root) -> WarpEngine:
    return WarpEngine(EngineSettings(cache_root=cache_root))


@pytest.fixture(scope="session")
def talking_head(tmp_path_factory) -> Path:
    """Forty frames of the astronaut swaying."""
    return write_mp4(tmp_path_factory.mktemp("footage") / "head.mp4", (portrait(n) for n in range(40)))
