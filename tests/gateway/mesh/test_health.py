"""Asking a server that is slow to say anything at all, as on a busy machine."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from gateway.mesh.health import GrpcProbe
from tests.support.mesh import Server

GREETING_S = 1.0


@pytest.fixture
async def slow(voice_server: Server) -> AsyncIterator[str]:
    """The address of a voice server whose first words take their time."""
    host, port = voice_server.address.split(":")

    async def passed_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter, pause_s: float) -> None:
        with contextlib.closing(sink), contextlib.suppress(ConnectionError):
            data = await source.read(65_536)
            await asyncio.sleep(pause_s)
            while data:
                sink.write(data)
                await sink.drain()
                data = await source.read(65_536)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection(host, int(port))
        await asyncio.gather(passed_on(reader, to_server, 0), passed_on(from_server, writer, GREETING_S))

    proxy = await asyncio.start_server(connected, "127.0.0.1", 0)
    async with proxy:
        yield f"127.0.0.1:{proxy.sockets[0].getsockname()[1]}"


async def test_a_server_that_is_slow_to_greet_is_alive(slow):
    probe = GrpcProbe("tts", slow)
    try:
        assert await probe.alive(60)
        assert await probe.engine(60) == "espeak"
    finally:
        await probe.close()
