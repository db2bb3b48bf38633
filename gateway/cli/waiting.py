"""Says what the command line is waiting for: no wait is silent for five seconds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from rich.markup import escape

from gateway.cli.output import err
from gateway.mesh.health import GrpcProbe

_SILENCE_S = 2.0
"""Silence before a line is printed. A probe may take as long again; both together stay below five seconds."""

Tell = Callable[[str], None]


def tell(line: str) -> None:
    """Prints a line for people, apart from the result."""
    err.print(escape(line))


@asynccontextmanager
async def telling(awaited: Callable[[], Awaitable[str]], say: Tell = tell) -> AsyncIterator[None]:
    """While the block runs, says what `awaited` names once the wait is long, and again when it changes.

    `awaited` returns a text such as "tts at 127.0.0.1:8051", empty while there is nothing to wait for.
    """
    looking = asyncio.create_task(_look(awaited, say))
    try:
        yield
    finally:
        looking.cancel()
        await asyncio.wait([looking])


@asynccontextmanager
async def until_answered(service: str, address: str) -> AsyncIterator[None]:
    """Wraps one short call: says whose answer is awaited, if it is slow."""

    async def awaited() -> str:
        return f"{service} at {address}"

    async with telling(awaited):
        yield


@asynccontextmanager
async def while_it_lives(service: str, address: str) -> AsyncIterator[None]:
    """Wraps a call that may rightly be silent for long: says when the server stops answering, and when it resumes.

    The server is probed separately from the call: a frozen server keeps its connections open, so the call looks alive.
    """
    probe = GrpcProbe(service, address)

    async def awaited() -> str:
        return "" if await probe.alive(_SILENCE_S) else f"{service} at {address}"

    try:
        async with telling(awaited):
            yield
    finally:
        await probe.close()


async def _look(awaited: Callable[[], Awaitable[str]], say: Tell) -> None:
    said = ""
    while True:
        await asyncio.sleep(_SILENCE_S)
        if (now := await awaited()) != said:
            say(f"Waiting for {now}." if now else "The wait is over.")
            said = now
