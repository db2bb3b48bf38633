"""Decoding of files from outside in a child process with limits: memory, processor time, wall time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Limits:
    """What the child may use."""

    wall_s: float = 900.0
    cpu_s: int = 1800
    memory_bytes: int = 4 << 30


def run_limited(
    function: Callable[..., T],
    *args: Any,
    field: str = "spec.footage",
    limits: Limits = Limits(),
    progress: Callable[[int, int], None] | None = None,
    cancelled: threading.Event | None = None,
) -> T:
    """Calls `function(*args)` in a spawned child and gives its result; blocking, for a thread.

    `function`, its arguments and its result cross by pickle. With `progress` the function is called with a
    `progress=` of its own, which is relayed. VigentErrors of the function come through. Raises InvalidInputError
    naming `field` when the child crashes or reaches a limit, CancelledError when `cancelled` is set.
    """
    raise NotImplementedError
