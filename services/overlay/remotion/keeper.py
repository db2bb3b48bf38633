"""Runs a command and leaves nothing of it behind, however it ends or its caller does: `keeper.py COMMAND...`.

Chromium is a dozen processes in groups of their own. A worker that is killed -9 cannot end them, and what is frozen
does not notice that anybody died. So this process stands in between: what the command starts becomes its child as soon
as it has lost its own parent, and when command or caller have ended, it kills all of them and removes their files.

Standard input and its end are the command's. What the caller reads from standard output is what the command writes to
the file descriptor whose number is added to its arguments, so that nothing a library prints gets in between.
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
    """For the end of a process, or that nobody can write to our standard input any more; reads nothing from it."""
    poll = select.poll()
    poll.register(sys.stdin.fileno(), 0)  # a hangup is told without being asked for
    poll.register(os.pidfd_open(pid), select.POLLIN)
    poll.poll()


def _end_all() -> None:
    """Kills all descendants, those too that they start meanwhile."""
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
