"""Whatever a command leaves behind ends with it, or with its caller."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from services.overlay.remotion import keeper
from tests.support.commands import outliving

FAMILY = """
import os, subprocess, sys
grandchild = subprocess.Popen(["sleep", "1000"], start_new_session=True)
os.write(int(sys.argv[-1]), f"{grandchild.pid} {os.environ['TMPDIR']}\\n".encode())
print("this must not reach the caller")
"""


def kept(after: str) -> tuple[subprocess.Popen[bytes], psutil.Process, Path]:
    """A command with a grandchild in a session of its own; it, the grandchild and its folder for temporary files."""
    command = [sys.executable, keeper.__file__, sys.executable, "-c", FAMILY + after]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    pid, folder = process.stdout.readline().split(maxsplit=1)
    return process, psutil.Process(int(pid)), Path(folder.decode().strip())


def ended(process: subprocess.Popen[bytes], grandchild: psutil.Process, folder: Path) -> bytes:
    """Waits until nothing is left; what else the caller read."""
    rest, _ = process.communicate(timeout=60)
    assert outliving([grandchild]) == []
    assert not folder.exists()
    return rest


def test_what_a_command_leaves_behind_ends_with_it():
    process, grandchild, folder = kept("")
    process.wait(60)  # while its standard input is open
    assert ended(process, grandchild, folder) == b""


@pytest.mark.parametrize("frozen", [False, True])
def test_all_ends_with_the_caller(frozen):
    process, grandchild, folder = kept("sys.stdin.read(); sys.stdin.close(); import time; time.sleep(1000)")
    assert folder.is_dir()
    if frozen:
        for each in psutil.Process(process.pid).children(recursive=True):
            each.send_signal(signal.SIGSTOP)
    assert ended(process, grandchild, folder) == b""
