"""Every process that uses OpenCV tells its threads how to wait, before it is loaded."""

import subprocess
import sys

import pytest

from tests.mesh import ROOT
from tests.services.runtime.test_worker import working

WAITS = {"OPENCV_THREAD_POOL_ACTIVE_WAIT_WORKER": "0", "OPENCV_THREAD_POOL_ACTIVE_WAIT_MAIN": "0"}


async def test_workers_do_before_they_load_an_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in WAITS:
        monkeypatch.delenv(name, raising=False)  # a worker inherits the environment
    async with working("LooksAround") as worker:
        assert worker.attributes["options"] == {"cv2": "False", **WAITS}


def test_the_orchestrator_loads_nothing_that_uses_it_before() -> None:
    code = "import orchestrator.__main__, sys; print('cv2' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True) == "False\n"
