"""The durable engine starts no thread that would ask its database for what this house never has."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import asyncio, sys, threading
from orchestrator.jobs.durable import DurableEngine

async def run() -> None:
    engine = DurableEngine(sys.argv[1], "orchestrator", 1)
    await engine.start(None, None)
    print(*(thread.name for thread in threading.enumerate()), sep="\\n")
    engine.stop()

asyncio.run(run())
"""


def test_no_thread_looks_for_what_is_never_there(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, f"sqlite:///{tmp_path / 'durable.db'}"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "(queue_worker_thread)" in told  # our own, with the bell
    idle = ("(queue_thread)", "internal_queue", "background-jobs", "(dynamic_scheduler_loop)")
    assert not [name for name in idle if name in told]
