"""Work on files from outside in a child process with limits and walls: whatever the file does to it harms nobody.

What the child may use of the machine is in `confinement/task.py`, what it may reach in `confinement/walls.py`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import IO, TypeVar

import psutil
from pydantic import TypeAdapter, ValidationError

from services.base.errors import CancelledError, InternalError, InvalidInputError, UnavailableError
from services.media.confinement.answers import Answer, Outcome, understood
from services.media.confinement.task import Limits, Task
from services.media.confinement.walls import Walls

T = TypeVar("T")

WRITE_SPEECH = "services.media.recording:write_speech"
"""The function that prepares audio for listening engines, for `run_limited`."""

_LOG = logging.getLogger(__name__)
_CHILD = "services.media.confinement.child"
_KEPT_VARIABLES = ("PATH", "LANG", "LC_", "TZ", "LD_LIBRARY_PATH", "PYTHON", "OMP_", "OPENBLAS_", "MALLOC_")
"""How the names begin of what a child is told of the environment: nothing that could be a secret."""
_USUAL = Limits()
_POLL_S = 0.2
_DYING_S = 30.0  # on a busy machine a child's exit shows long after its last message
_LONGEST_ANSWER_BYTES = 64 << 20
_KILLED = (-signal.SIGKILL, -signal.SIGTERM)  # what a decoder that crashes ends with is another signal
_told = threading.Event()


def run_limited(
    function: str,
    *args: object,
    returns: type[T],
    options: Mapping[str, object] = MappingProxyType({}),
    reads: tuple[Path, ...] = (),
    writes: tuple[Path, ...] = (),
    field: str = "file",
    walled: bool = True,
    limits: Limits = _USUAL,
    progress: Callable[[int, int], None] | None = None,
    cancelled: threading.Event | None = None,
) -> T:
    """Calls `function(*args, **options)` in a child of its own and gives its result; blocking, for a thread.

    `function` is "module:name", so that the caller need not load the decoders that it uses. It reads the files and
    folders in `reads`, writes to the files in `writes`, which are made where they are not there, and has no network;
    what reads nothing of strangers, and needs devices, is not `walled`. The result crosses as JSON and must be what
    `returns` says. With `progress` the function is called with a `progress=` of its own, which is relayed. VigentErrors
    of the function come through. Raises InvalidInputError naming `field` when the child crashes or reaches a limit,
    UnavailableError (STALLED) when it stands still, for which the file is not to blame, and CancelledError when
    `cancelled` is set.
    """
    task = Task(
        function, pickle.dumps((args, dict(options))), limits, field, reads, writes, progress is not None, walled
    )
    for path in writes:
        path.touch()  # so that it need not make any: what it made could be a link
    # One that is killed from outside, by a person or for want of memory, tells nothing of its file: another is asked.
    outcome = _asked(task, progress, cancelled) or _asked(task, progress, cancelled)
    if outcome is None:
        raise _broken(field)
    if outcome.error is not None:
        raise outcome.error
    try:
        result: T = TypeAdapter(returns).validate_json(outcome.value)
    except ValidationError as error:
        raise _unagreed() from error
    return result


def walls_here() -> Walls:
    """What is around the children of this process, asked of one of them; nothing where none can be started."""
    task = Task("services.media.confinement.walls:Walls", pickle.dumps(((), {})))
    with _child(task) as child:
        assert child.stdout
        said = _answers(child.stdout, time.monotonic() + _DYING_S)
        return next((answer for answer in said if isinstance(answer, Walls)), Walls())


@contextlib.contextmanager
def _child(task: Task) -> Iterator[subprocess.Popen[bytes]]:
    environment = {name: value for name, value in os.environ.items() if name.startswith(_KEPT_VARIABLES)}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    command = [sys.executable, "-P", "-m", _CHILD]
    with tempfile.TemporaryFile() as asked:  # no pipe, which a child that hangs would keep from taking all of it
        asked.write(pickle.dumps(task))
        asked.seek(0)
        with subprocess.Popen(command, stdin=asked, stdout=subprocess.PIPE, env=environment) as child:
            try:
                yield child
            finally:
                child.kill()


def _asked(
    task: Task, progress: Callable[[int, int], None] | None, cancelled: threading.Event | None
) -> Outcome | None:
    with _child(task) as child:
        return _await_outcome(child, task, progress, cancelled)


def _await_outcome(
    child: subprocess.Popen[bytes],
    task: Task,
    progress: Callable[[int, int], None] | None,
    cancelled: threading.Event | None,
) -> Outcome | None:
    """None when it was killed from outside."""
    assert child.stdout
    deadline, stillness = time.monotonic() + task.limits.wall_s, _Stillness(child.pid)
    for answer in _answers(child.stdout, deadline):
        if cancelled is not None and cancelled.is_set():
            raise CancelledError("The caller cancelled this call.")
        match answer:
            case None:
                if stillness.lasts_s() > task.limits.stall_s:
                    raise _stalled(task.limits.stall_s)
                continue
            case Outcome():
                return answer
            case Walls():
                _tell_once(answer)
            case done, total if progress is not None:
                progress(done, total)
        stillness.ends()
    if time.monotonic() >= deadline:
        problem = f"Reading the file took longer than {task.limits.wall_s:g} s."
        raise InvalidInputError(problem, "Give a shorter or simpler file.", task.field, "FILE_TOO_SLOW")
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(_DYING_S)
    if child.returncode in _KILLED:
        _LOG.warning("a program that read a file was killed by signal %d", -child.returncode)
        return None
    raise _too_slow(task.field) if child.returncode == -signal.SIGXCPU else _broken(task.field)


def _answers(pipe: IO[bytes], deadline: float) -> Iterator[Answer | None]:
    """What the child says until it closes the pipe or the deadline is over; None whenever it says nothing for a while.

    It may say anything, and stop in the middle: no read waits, and none takes more than there is room for.
    """
    begun = b""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while (rest_s := deadline - time.monotonic()) > 0:
            if not selector.select(min(rest_s, _POLL_S)):
                yield None
                continue
            if not (data := os.read(pipe.fileno(), 1 << 16)):
                return
            *lines, begun = (begun + data).split(b"\n")
            if len(begun) > _LONGEST_ANSWER_BYTES:
                raise _unagreed()
            yield from map(_understood, lines)


def _understood(line: bytes) -> Answer:
    try:
        return understood(line)
    except ValueError as error:
        raise _unagreed() from error


def _tell_once(walls: Walls) -> None:
    """What the first child says before it has looked at any file; later ones may say anything."""
    if not _told.is_set():
        _told.set()
        _LOG.log(logging.INFO if walls.whole else logging.WARNING, "uploads are %s", walls)


class _Stillness:
    """How long a child has neither computed nor said anything, which frozen ones do and slow ones do not."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._cpu_s = self._still_s = 0.0
        self._looked_s = time.monotonic()

    def ends(self) -> None:
        """It has said something."""
        self._still_s = 0.0

    def lasts_s(self) -> float:
        """Up to now; a pause of this process counts as one look, for the child may have been paused as well."""
        with contextlib.suppress(psutil.NoSuchProcess):
            cpu = self._process.cpu_times()
            before_s, self._cpu_s = self._cpu_s, cpu.user + cpu.system
            if self._cpu_s != before_s:
                self.ends()
        now_s = time.monotonic()
        self._still_s += min(now_s - self._looked_s, 2 * _POLL_S)
        self._looked_s = now_s
        return self._still_s


def _stalled(stall_s: float) -> UnavailableError:
    problem = f"The program that reads the file stood still for {stall_s:g} s."
    return UnavailableError(problem, "Try again.", reason="STALLED", retry_after_s=1.0)


def _unagreed() -> InternalError:
    return InternalError("The program that reads the file said what nobody understands.", "The log has the reason.")


def _too_slow(field: str) -> InvalidInputError:
    problem = "Reading the file took more processor time than allowed."
    return InvalidInputError(problem, "Give a shorter or simpler file.", field, "FILE_TOO_SLOW")


def _broken(field: str) -> InvalidInputError:
    problem = "Reading the file crashed the program that reads it."
    return InvalidInputError(problem, "The file is broken; export it again.", field, "FILE_BROKEN")
