"""A network between a client and a server that does what the test says: slow, or silent without closing anything."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_CHUNK_BYTES = 8 * 1024
_BUFFER_BYTES = 16 * 1024
"""Of sockets: a network holds what is under way, not megabytes."""


class FaultProxy:
    """Passes bytes on, each chunk `latency_s` later and no faster than `rate_bytes_per_s`, until it is told to stop."""

    def __init__(self, target: str, latency_s: float, rate_bytes_per_s: float) -> None:
        self.address = ""
        self._target, self._latency_s, self._rate = target, latency_s, rate_bytes_per_s
        self._speaking = asyncio.Event()
        self._speaking.set()
        self._ways: set[asyncio.Task[None]] = set()

    def fall_silent(self) -> None:
        """Nothing passes any more, in either direction; no connection is closed."""
        self._speaking.clear()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A connection of a client, to be connected to the server."""
        host, _, port = self._target.rpartition(":")
        far_reader, far_writer = await asyncio.open_connection(host, int(port), limit=_CHUNK_BYTES)
        for end in (writer, far_writer):
            _keep_small(end)
        for way in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._pass_on(*way))
            self._ways.add(task)
            task.add_done_callback(self._ways.discard)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        delivering = asyncio.create_task(self._deliver(under_way, writer))
        try:
            while data := await reader.read(_CHUNK_BYTES):
                await asyncio.sleep(len(data) / self._rate)
                under_way.put_nowait((asyncio.get_running_loop().time() + self._latency_s, data))
            under_way.put_nowait((0.0, b""))
            await delivering
        except OSError:
            pass
        finally:
            delivering.cancel()
            writer.close()
            with suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _deliver(self, under_way: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        while True:
            at_s, data = await under_way.get()
            if not data:
                return
            await asyncio.sleep(max(0.0, at_s - asyncio.get_running_loop().time()))
            await self._speaking.wait()
            writer.write(data)
            await writer.drain()

    async def close(self) -> None:
        """Ends all connections."""
        ways = list(self._ways)
        for task in ways:
            task.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


def _keep_small(end: asyncio.StreamWriter) -> None:
    connection: socket.socket = end.get_extra_info("socket")
    for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        connection.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)
    end.transport.set_write_buffer_limits(_CHUNK_BYTES)


@asynccontextmanager
async def fault_proxy(target: str, latency_s: float = 0.0, mbit_per_s: float = 1e6) -> AsyncIterator[FaultProxy]:
    """A proxy in front of `target`, host:port."""
    proxy = FaultProxy(target, latency_s, mbit_per_s * 125_000)
    server = await asyncio.start_server(proxy.accept, "127.0.0.1", 0, limit=_CHUNK_BYTES)
    proxy.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()
