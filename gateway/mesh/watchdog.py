"""Finds out that a process is dead although it has not exited. Busy, slow, full and draining are never reasons.

Too much memory is one for a new process, once the old one has ended its calls. It only judges; who keeps the process
(`supervised.py`) is the one who ends it.

A probe that could not be sent in time proves nothing: this process may have been paused, or be out of file handles.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Verdict:
    """Why a process must end; `gentle`: it may finish its calls."""

    reason: str
    gentle: bool = False


class Watchdog:
    """Looks at one process from its start until it must end.

    All of them look at the same moment: gRPC's threads, once they are woken, take seconds to fall asleep.
    """

    def __init__(
        self, probe: HealthProbe, address: str, policy: WatchdogPolicy, drain_s: float, ready: Callable[[], bool]
    ) -> None:
        """`drain_s` is how long it may take to end, `ready` tells whether it has been ready."""
        self._probe, self._address, self._policy, self._drain_s = probe, address, policy, drain_s
        self._ready = ready
        self._answered, self._misses, self._waited_s = False, 0, 0.0
        self._large = 0
        self._longest_look_s = policy.interval_s + 2 * policy.timeout_s + _LATE_S  # beyond it this process was paused

    async def until_dead(self) -> Verdict:
        """Returns once the process must end; never for one that is not watched."""
        if not self._policy.watched:
            await asyncio.Event().wait()
        while True:
            began_s = time.monotonic()
            await asyncio.sleep(self._pause_s(began_s))
            sign = await self._look()
            self._answered = self._answered or sign is Sign.ALIVE or self._ready()
            if reason := self._verdict(sign, time.monotonic() - began_s):
                return Verdict(reason)
            if sign is Sign.ALIVE and (reason := await self._too_large()):
                return Verdict(reason, gentle=True)

    def _pause_s(self, now_s: float) -> float:
        """Until the next look; as long as something is amiss, a whole interval after the one before."""
        return self._policy.interval_s - (0.0 if self._waited_s else now_s % self._policy.interval_s)

    async def _too_large(self) -> str:
        limit_bytes = self._policy.memory_bytes
        held_bytes = await self._probe.memory_bytes(self._policy.timeout_s) if limit_bytes else 0
        self._large = self._large + 1 if held_bytes > limit_bytes else 0
        if self._large < self._policy.misses:
            return ""
        return f"holds {held_bytes >> 20} MiB of memory, more than {limit_bytes >> 20}"

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
