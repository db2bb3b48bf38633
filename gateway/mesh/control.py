"""What the supervisor of a running mesh can be told, over a Unix socket in its data folder that its user alone may use.

A request is a line of JSON, such as {"restart": "tts"}. The answer is lines of JSON: {"said": words} for each thing
done, then {"done": true}, or {"problem": words, "remedy": words}.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from gateway.mesh.supervisor import Supervisor
from services.base.errors import FailedPreconditionError, InvalidInputError, UnavailableError, VigentError

_SOCKET = "mesh.sock"
_REQUEST_S = 5.0


@asynccontextmanager
async def controlled(mesh: Supervisor, data: Path) -> AsyncIterator[None]:
    """Takes requests for `mesh`, whose data folder is held, while this context lives."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, ValueError, TimeoutError):
            await _answer(mesh, reader, writer)
        writer.close()

    (data / _SOCKET).unlink(missing_ok=True)  # of a supervisor that was killed
    with _short(data) as path:
        server = await asyncio.start_unix_server(serve, path)
    async with server:
        yield
    (data / _SOCKET).unlink(missing_ok=True)


async def restart(data: Path, service: str) -> AsyncIterator[str]:
    """Has the mesh over `data` restart a service, or all when it is empty; what it says meanwhile.

    Raises UnavailableError when no mesh listens there, and what the mesh raised.
    """
    try:
        with _short(data) as path:
            reader, writer = await asyncio.open_unix_connection(path)
    except OSError as error:
        problem = f"No `vigent up` runs over {data}."
        raise UnavailableError(problem, "Name its data folder with --data.", reason="NO_MESH") from error
    try:
        writer.write(json.dumps({"restart": service}).encode() + b"\n")
        while line := await reader.readline():
            match json.loads(line):
                case {"said": words}:
                    yield words
                case {"done": True}:
                    return
                case {"problem": problem, "remedy": remedy, "field": "service"}:
                    raise InvalidInputError(problem, remedy, "service")
                case {"problem": problem, "remedy": remedy}:
                    raise FailedPreconditionError(problem, remedy)
    finally:
        writer.close()
    raise UnavailableError("The mesh ended before it was done.", "See the words of `vigent up`.")


async def _answer(mesh: Supervisor, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    async with asyncio.timeout(_REQUEST_S):
        request = json.loads(await reader.readline())

    def tell(**words: object) -> None:
        writer.write(json.dumps(words).encode() + b"\n")

    try:
        async for words in mesh.restart(str(request["restart"])):
            tell(said=words)
        tell(done=True)
    except VigentError as error:
        tell(problem=error.problem, remedy=error.remedy, field=error.field)
    await writer.drain()


@contextmanager
def _short(data: Path) -> Iterator[str]:
    """A name for the socket however long the folder's is: the kernel takes no more than 107 bytes."""
    folder = os.open(data, os.O_RDONLY | os.O_DIRECTORY)
    try:
        here = Path(f"/proc/self/fd/{folder}")
        yield str((here if here.exists() else data) / _SOCKET)
    finally:
        os.close(folder)
