"""What the command line waits for, told before anybody wonders: no wait is silent for five seconds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from rich.markup import escape

from gateway.cli.output import err
from gateway.mesh.health import GrpcProbe

_SILENCE_S = 2.0
"""Before a word is said. An asking may take as long again, and both together stay below five seconds."""

Tell = Callable[[str], None]


def tell(line: str) -> None:
    """To people, beside the result."""
    err.print(escape(line))


@asynccontextmanager
async def telling(awaited: Callable[[], Awaitable[str]], say: Tell = tell) -> AsyncIterator[None]:
    """While the block runs, says what `awaited` names once that lasts, and again when it changes.

    `awaited` gives such as "tts at 127.0.0.1:8051", or nothing while there is nothing to wait for.
    """
    looking = asyncio.create_task(_look(awaited, say))
    try:
        yield
    finally:
        looking.cancel()
        await asyncio.wait([looking])


@asynccontextmanager
async def until_answered(service: str, address: str) -> AsyncIterator[None]:
    """Around one short call: says whose answer is waited for, if it takes its time."""

    async def awaited() -> str:
        return f"{service} at {address}"

    async with telling(awaited):
        yield


@asynccontextmanager
async def while_it_lives(service: str, address: str) -> AsyncIterator[None]:
    """Around a call that may rightly be silent for long: says when the server does not answer, and when it does again.

    The server itself is asked, beside the call: a frozen one keeps its connections, and theirs look alike.
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
