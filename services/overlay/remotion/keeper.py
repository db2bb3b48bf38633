"""Runs a command and leaves nothing of it behind, however it or its caller ends: `keeper.py COMMAND...`.

Chromium is a dozen processes in groups of their own. A worker that is killed -9 cannot end them, and a frozen process
does not notice that its parent died. So this process stands in between: it adopts every process of the command whose
own parent dies, and when the command or the caller has ended, it kills all of them and removes their files.

The command inherits standard input, including its end. Standard output carries only what the command writes to the
file descriptor whose number is added to its arguments, so that nothing a library prints gets in between.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Sequence

import psutil

_PR_SET_CHILD_SUBREAPER = 36  # prctl(2)
_ROUNDS, _ROUND_S = 20, 1.0


def keep(command: Sequence[str]) -> None:
    """Returns when the command has ended, or the caller has closed its end of standard input."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    replies = os.dup(sys.stdout.fileno())
    with tempfile.TemporaryDirectory(prefix="vigent-overlay-", ignore_cleanup_errors=True) as scratch:
        process = subprocess.Popen(
            [*command, str(replies)],
            stdout=sys.stderr,
            pass_fds=(replies,),
            env={**os.environ, "TMPDIR": scratch},
        )
        try:
            _wait(process.pid)
        finally:
            _end_all()


def _wait(pid: int) -> None:
    """Until a process has ended, or nobody can write to our standard input any more; reads nothing from it."""
    poll = select.poll()
    poll.register(sys.stdin.fileno(), 0)  # a hangup is reported unasked
    poll.register(os.pidfd_open(pid), select.POLLIN)
    poll.poll()


def _end_all() -> None:
    """Kills all descendants, including those started meanwhile."""
    for _ in range(_ROUNDS):
        family = psutil.Process().children(recursive=True)
        if not family:
            return
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(family, timeout=_ROUND_S)


if __name__ == "__main__":
    keep(sys.argv[1:])
