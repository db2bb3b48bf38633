"""Work on files from outside in a child process with limits: a file that crashes, fills or stalls it harms nobody."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import multiprocessing
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

import psutil

from services.base.disk import disk_full, is_disk_full
from services.base.errors import CancelledError, InternalError, InvalidInputError, UnavailableError, VigentError

T = TypeVar("T")

WRITE_SPEECH = "services.media.recording:write_speech"
"""The function that prepares audio for listening engines, for `run_limited`."""

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_POLL_S = 0.2
_SLACK_BYTES = 16 << 20  # what is left when a library finds no room for a piece of its own
_DYING_S = 30.0  # on a busy machine a child's exit shows long after its last message


@dataclass(frozen=True)
class Limits:
    """What the child may use; `written_bytes` is the largest file that it may write.

    For longer than `stall_s` it may not do without both computing and telling progress.
    """

    wall_s: float = 900.0
    stall_s: float = 30.0
    cpu_s: int = 1800
    memory_bytes: int = 4 << 30
    written_bytes: int = 64 << 30


@dataclass(frozen=True)
class _Outcome:
    """Last message of the child."""

    value: object = None
    error: VigentError | None = None


def run_limited(
    function: str,
    *args: object,
    returns: type[T],
    options: Mapping[str, object] = MappingProxyType({}),
    field: str = "file",
    limits: Limits = Limits(),
    progress: Callable[[int, int], None] | None = None,
    cancelled: threading.Event | None = None,
) -> T:
    """Calls `function(*args, **options)` in a spawned child and gives its result; blocking, for a thread.

    `function` is "module:name", so that the caller need not load the decoders that it uses. Arguments and result
    cross by pickle; the result must be an instance of `returns`. With `progress` the function is called with a
    `progress=` of its own, which is relayed. VigentErrors of the function come through. Raises InvalidInputError naming
    `field` when the child crashes or reaches a limit, UnavailableError (STALLED) when it stands still, for which the
    file is not to blame, and CancelledError when `cancelled` is set.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(
        target=_child_main,
        args=(sender, limits, field, function, args, dict(options), progress is not None),
        daemon=True,
        name="limited",
    )
    with receiver:
        child.start()
        sender.close()
        try:
            outcome = _await_outcome(child, receiver, field, limits, progress, cancelled)
        finally:
            child.kill()
            child.join()
            child.close()
    if outcome.error is not None:
        raise outcome.error
    assert isinstance(outcome.value, returns)
    return outcome.value


def _await_outcome(
    child: BaseProcess,
    receiver: Connection,
    field: str,
    limits: Limits,
    progress: Callable[[int, int], None] | None,
    cancelled: threading.Event | None,
) -> _Outcome:
    deadline, stillness = time.monotonic() + limits.wall_s, _Stillness(child.pid)
    while (rest_s := deadline - time.monotonic()) > 0:
        if cancelled is not None and cancelled.is_set():
            raise CancelledError("The caller cancelled this call.")
        if not wait([receiver], min(rest_s, _POLL_S)):
            if stillness.lasts_s() > limits.stall_s:
                raise _stalled(limits.stall_s)
            continue
        stillness.ends()
        try:
            message = receiver.recv()
        except EOFError:
            raise _unreadable(child, field) from None
        if isinstance(message, _Outcome):
            return message
        if progress is not None:
            progress(*message)
    problem = f"Reading the file took longer than {limits.wall_s:g} s."
    raise InvalidInputError(problem, "Give a shorter or simpler file.", field, "FILE_TOO_SLOW")


class _Stillness:
    """How long a child has neither computed nor said anything, which frozen ones do and slow ones do not."""

    def __init__(self, pid: int | None) -> None:
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


def _unreadable(child: BaseProcess, field: str) -> InvalidInputError:
    child.join(_DYING_S)
    if child.exitcode == -signal.SIGXCPU:
        problem = "Reading the file took more processor time than allowed."
        return InvalidInputError(problem, "Give a shorter or simpler file.", field, "FILE_TOO_SLOW")
    problem = "Reading the file crashed the program that reads it."
    return InvalidInputError(problem, "The file is broken; export it again.", field, "FILE_BROKEN")


def _child_main(
    sender: Connection,
    limits: Limits,
    field: str,
    function: str,
    args: tuple[object, ...],
    options: dict[str, object],
    with_progress: bool,
) -> None:
    if with_progress:
        options["progress"] = lambda done, total: sender.send((done, total))
    try:
        call = _named(function)
        confine(limits)  # not before: a library that finds no memory when it is loaded raises anything
        outcome = _Outcome(call(*args, **options))
    except VigentError as error:
        outcome = _Outcome(error=error)
    except Exception as error:
        outcome = _Outcome(error=_error_of(error, limits, field))
    sender.send(outcome)


def _error_of(error: Exception, limits: Limits, field: str) -> VigentError:
    if is_disk_full(error):
        return disk_full()
    return _too_large(limits, field) if _is_memory(error, limits) else _unexpected(error)


def _is_memory(error: Exception, limits: Limits) -> bool:
    """Whether it was memory that was missing: where there is none, libraries fail in ways of their own."""
    if isinstance(error, MemoryError):
        return True
    try:
        used_bytes = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    except OSError:  # not Linux
        return isinstance(error, ImportError)  # of a library that found no room to be mapped
    except MemoryError:
        return True
    return used_bytes + _SLACK_BYTES > limits.memory_bytes


def _too_large(limits: Limits, field: str) -> InvalidInputError:
    problem = f"Reading the file took more than {limits.memory_bytes >> 20} MiB of memory."
    return InvalidInputError(problem, "Give a smaller file.", field, "FILE_TOO_LARGE")


def _unexpected(error: Exception) -> InternalError:
    with contextlib.suppress(OSError):  # a log file counts as a written file too
        print(f"limited child: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
    return InternalError("The file could not be inspected.", "The log has the reason.")


def _named(function: str) -> Callable[..., object]:
    module, _, name = function.partition(":")
    try:
        found: Callable[..., object] = getattr(importlib.import_module(module), name)
    except ImportError as error:
        raise RuntimeError(f"{function} cannot be imported: {error}") from error  # a fault of ours, not of the file's
    return found


def confine(limits: Limits) -> None:
    """Limits this process for good, and lets it die with its parent."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_s, limits.cpu_s + 1))
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits.written_bytes, limits.written_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
