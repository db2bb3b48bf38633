"""Finds out that a process is dead although it has not exited. Busy, slow, full and draining are never reasons.

A probe that could not be sent in time proves nothing: this process may have been paused, or be out of file handles.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from enum import Enum

from gateway.mesh.health import HealthProbe
from gateway.mesh.policy import WatchdogPolicy

_LATE_S = 1.0  # an answer or a timeout that is later than this is the fault of this process


class Sign(Enum):
    """The result of one look at a process."""

    ALIVE = "alive"
    SILENT = "silent"
    CLOSED = "closed"  # it accepts no connections, not yet or no longer
    UNKNOWN = "unknown"


class Watchdog:
    """Looks at one process from its start until it is found dead."""

    def __init__(
        self, probe: HealthProbe, address: str, policy: WatchdogPolicy, drain_s: float, ready: Callable[[], bool]
    ) -> None:
        """`drain_s` is how long it may take to end, `ready` tells whether it has been ready."""
        self._probe, self._address, self._policy, self._drain_s = probe, address, policy, drain_s
        self._ready = ready
        self._answered, self._misses, self._waited_s = False, 0, 0.0
        self._longest_look_s = policy.interval_s + 2 * policy.timeout_s + _LATE_S  # beyond it this process was paused

    async def until_dead(self) -> str:
        """Returns the reason when the process must be killed."""
        while True:
            began_s = time.monotonic()
            await asyncio.sleep(self._policy.interval_s)
            sign = await self._look()
            self._answered = self._answered or sign is Sign.ALIVE or self._ready()
            if reason := self._verdict(sign, time.monotonic() - began_s):
                return reason

    async def _look(self) -> Sign:
        asked_s = time.monotonic()
        if await self._probe.alive(self._policy.timeout_s):
            return Sign.ALIVE
        if time.monotonic() - asked_s > self._policy.timeout_s + _LATE_S:
            return Sign.UNKNOWN
        return await knock(self._address, self._policy.timeout_s)

    def _verdict(self, sign: Sign, seconds: float) -> str:
        """What `sign`, seen after `seconds`, says of the process; empty while it may live."""
        if sign is Sign.ALIVE:
            self._misses, self._waited_s = 0, 0.0
        if sign in (Sign.ALIVE, Sign.UNKNOWN):
            return ""
        self._waited_s += min(seconds, self._longest_look_s)
        if not self._answered:  # a start takes as long as it takes
            return self._late(self._policy.start_up_s, "did not answer within {:g} s of its start")
        if sign is Sign.CLOSED:  # and so does a drain
            return self._late(self._drain_s, "stopped accepting connections and did not end within {:g} s")
        self._misses += 1
        return f"liveness failed {self._misses} times in a row" if self._misses >= self._policy.misses else ""

    def _late(self, limit_s: float, reason: str) -> str:
        return reason.format(limit_s) if self._waited_s > limit_s else ""


async def knock(address: str, timeout_s: float) -> Sign:
    """Whether somebody listens at host:port.

    A hung process still does, a draining one does not; UNKNOWN when this process cannot even ask.
    """
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(timeout_s):
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    except ConnectionRefusedError:
        return Sign.CLOSED
    except TimeoutError:
        return Sign.SILENT
    except OSError:
        return Sign.UNKNOWN
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return Sign.SILENT
