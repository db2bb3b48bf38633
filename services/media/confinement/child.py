"""The limited child itself: `python -m services.media.confinement.child`, the task on stdin, its answers on stdout."""

from __future__ import annotations

import contextlib
import importlib
import os
import pickle
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast

from services.base.disk import disk_full, is_disk_full
from services.base.errors import InternalError, InvalidInputError, VigentError
from services.media.confinement.answers import Answer, Outcome, jsonable, told
from services.media.confinement.kernel import die_with_parent
from services.media.confinement.task import Limits, Task
from services.media.confinement.walls import wall_in

_SLACK_BYTES = 16 << 20  # what is left when a library finds no room for a piece of its own


def main() -> None:
    """Does the task that the parent wrote."""
    answers = _answers()
    task = pickle.load(sys.stdin.buffer)  # noqa: S301 - the other end is the parent, which has looked at no file yet
    assert isinstance(task, Task)
    die_with_parent()
    if task.walled:
        answers.write(told(wall_in(task.package, task.reads, task.writes)))
    answers.write(told(_outcome(task, lambda answer: answers.write(told(answer)))))


def _answers() -> BinaryIO:
    """Where the parent listens; what libraries print goes to stderr."""
    own = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return cast("BinaryIO", os.fdopen(own, "wb", buffering=0))


def _outcome(task: Task, tell: Callable[[Answer], object]) -> Outcome:
    try:
        call = _named(task.function)
        arguments, options = pickle.loads(task.pickled)  # noqa: S301 - as in `main`
        if task.tells_progress:
            options["progress"] = lambda done, total: tell((done, total))
        task.limits.hold()  # not before: a library that finds no memory when it is loaded raises anything
        return Outcome(jsonable(call(*arguments, **options)))
    except VigentError as error:
        return Outcome(error=error)
    except Exception as error:
        return Outcome(error=_error_of(error, task))


def _error_of(error: Exception, task: Task) -> VigentError:
    if is_disk_full(error):
        return disk_full()
    return _too_large(task) if _is_memory(error, task.limits) else _unexpected(error)


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


def _too_large(task: Task) -> InvalidInputError:
    problem = f"Reading the file took more than {task.limits.memory_bytes >> 20} MiB of memory."
    return InvalidInputError(problem, "Give a smaller file.", task.field, "FILE_TOO_LARGE")


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


if __name__ == "__main__":
    main()
