"""The replicas of one service as they come and go."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, Protocol, TypeVar

from services.base.resolving import is_name, resolve

Resolve = Callable[[str], Awaitable[list[str] | None]]

_LOOK_UP_S = 5.0


class Closable(Protocol):
    """A connection to one server, with the number of calls under way."""

    calls: int

    async def close(self) -> None:
        """Ends it."""


ReplicaT = TypeVar("ReplicaT", bound=Closable)


class Replicas(Generic[ReplicaT]):
    """Those behind `targets`: "host:port" stays, "dns:///name:port" is looked up every few seconds.

    One that has left the name gets no more calls, and is closed when those that it has have ended: a server that drains
    leaves its name first. Make it on a running event loop.
    """

    def __init__(self, targets: Sequence[str], connect: Callable[[str], ReplicaT], resolve: Resolve = resolve) -> None:
        self._connect, self._resolve = connect, resolve
        self._names = [target for target in targets if is_name(target)]
        self._fixed = [target for target in targets if not is_name(target)]
        self._present = {target: connect(target) for target in self._fixed}
        self._leaving: list[ReplicaT] = []
        self._following = asyncio.create_task(self._follow()) if self._names else None

    @property
    def present(self) -> list[ReplicaT]:
        """Those that calls may go to; none while a name has no address."""
        return list(self._present.values())

    async def look_up(self) -> None:
        """Follows the names now. Where one gives no answer, all stays as it is."""
        found = [await self._resolve(name) for name in self._names]
        if None not in found:
            self._become({*self._fixed, *(address for addresses in found for address in addresses or ())})
        for replica in [replica for replica in self._leaving if not replica.calls]:
            self._leaving.remove(replica)
            await replica.close()

    async def close(self) -> None:
        """Closes all."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait([self._following])
        for replica in [*self._present.values(), *self._leaving]:
            await replica.close()

    def _become(self, addresses: set[str]) -> None:
        for address in sorted(addresses - self._present.keys()):
            self._present[address] = self._connect(address)
        for address in self._present.keys() - addresses:
            self._leaving.append(self._present.pop(address))

    async def _follow(self) -> None:
        while True:
            with contextlib.suppress(OSError):
                await self.look_up()
            await asyncio.sleep(_LOOK_UP_S)
