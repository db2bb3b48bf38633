"""The calls that are running: a drain refuses new ones here, and waits for the rest to end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from services.base.errors import UnavailableError

_RETRY_AFTER_S = 1.0


class RunningCalls:
    """Counts calls. To be used on the event loop only."""

    def __init__(self) -> None:
        self._count, self._refusing = 0, False
        self._none = asyncio.Event()
        self._none.set()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Wraps a call. Raises UnavailableError once calls are refused."""
        self.raise_if_refusing()
        self._count += 1
        self._none.clear()
        try:
            yield
        finally:
            self._count -= 1
            if not self._count:
                self._none.set()

    def raise_if_refusing(self) -> None:
        """For calls that would never end by themselves. Raises UnavailableError once calls are refused."""
        if self._refusing:
            raise UnavailableError(
                "The server is ending.",
                "Try again, perhaps on another replica.",
                reason="DRAINING",
                retry_after_s=_RETRY_AFTER_S,
            )

    def refuse(self) -> None:
        """Refuses further calls; running ones go on."""
        self._refusing = True

    async def ended(self, timeout_s: float) -> None:
        """Returns when no call is running, or after `timeout_s`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._none.wait()
