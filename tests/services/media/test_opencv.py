"""Every process that uses OpenCV tells its threads how to wait, before it is loaded."""

import os
import subprocess
import sys

import pytest

from tests.support.mesh import ROOT
from tests.support.workers import working

WAITS = {"OPENCV_THREAD_POOL_ACTIVE_WAIT_WORKER": "0", "OPENCV_THREAD_POOL_ACTIVE_WAIT_MAIN": "0"}

_ORCHESTRATOR = """
import os, runpy, sys
import orchestrator.__main__
print("cv2" in sys.modules)
try:
    runpy.run_path(orchestrator.__main__.__file__, run_name="__main__")
except SystemExit as end:
    print(end.code, {name: os.environ[name] for name in sorted(os.environ, reverse=True) if name.startswith("OPENCV_")})
"""


async def test_workers_do_before_they_load_an_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in WAITS:
        monkeypatch.delenv(name, raising=False)  # a worker inherits the environment
    async with working("LooksAround") as worker:
        assert worker.attributes["options"] == {"cv2": "False", **WAITS}


def test_the_orchestrator_does_before_it_loads_what_uses_it() -> None:
    """Run as a program, up to a setting that ends it at once."""
    environment = {name: value for name, value in os.environ.items() if name not in WAITS}
    environment |= {"VIGENT_ORCHESTRATOR_PORT": "none", "PYTHONPATH": f"{ROOT}:{ROOT}/protos/gen"}
    command = [sys.executable, "-c", _ORCHESTRATOR]
    printed = subprocess.check_output(command, cwd=ROOT, env=environment, encoding="utf-8", timeout=60)
    assert printed == f"False\n2 {WAITS}\n"
