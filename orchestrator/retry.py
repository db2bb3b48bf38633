"""Trying again when a server is away or full: each piece of work by itself, so that nothing finished is done twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from services.runtime.client import retrying

_T = TypeVar("_T")


async def retried(work: Callable[[], Awaitable[_T]], attempts: int) -> _T:
    """What `work` gives, tried at most `attempts` times with growing pauses while its error is retryable."""
    async for attempt in retrying(attempts):
        with attempt:
            return await work()
    raise AssertionError("unreachable: retrying raises the last error")
