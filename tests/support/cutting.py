"""A way to a server that breaks in the middle of answers, as many times as the test says."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager

CHUNK_BYTES = 65_536


@contextmanager
def cut_after(address: str, bytes_passed: Sequence[int]) -> Iterator[str]:
    """Yields an address that leads to `address`: the n-th connection breaks after so many bytes of answers."""
    left, ready, stop = list(bytes_passed), Future[str](), Future[None]()
    thread = threading.Thread(target=lambda: asyncio.run(_serve(address, left, ready, stop)))
    thread.start()
    try:
        yield ready.result(20)
    finally:
        stop.set_result(None)
        thread.join(20)
    assert not left, f"Connections that were to break were never made: {left}"


async def _serve(address: str, left: list[int], ready: Future[str], stop: Future[None]) -> None:
    ways: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        way = asyncio.create_task(_lead(address, reader, writer, left.pop(0) if left else None))
        ways.add(way)
        way.add_done_callback(ways.discard)

    async with await asyncio.start_server(accept, "127.0.0.1") as server:
        host, port = server.sockets[0].getsockname()[:2]
        ready.set_result(f"{host}:{port}")
        await asyncio.wrap_future(stop)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def _lead(address: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: int | None) -> None:
    host, _, port = address.rpartition(":")
    far_reader, far_writer = await asyncio.open_connection(host, int(port))
    there = asyncio.create_task(_pass(reader, far_writer, None))
    try:
        await _pass(far_reader, writer, most)
    finally:
        there.cancel()
        await asyncio.wait({there})
        for end in (writer, far_writer):
            end.transport.abort()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: int | None) -> None:
    """Until the end, or until `most` bytes have been passed on."""
    with contextlib.suppress(OSError):
        while data := await reader.read(CHUNK_BYTES):
            part = data if most is None else data[:most]
            writer.write(part)
            await writer.drain()
            if most is not None and (most := most - len(part)) <= 0:
                return
