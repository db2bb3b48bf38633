"""One process of the mesh: started in a group of its own, read line by line, ended gently and then firmly."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO

_LONGEST_LINE = 64 * 1024
_LAST_WORDS_S = 2.0

Say = Callable[[str, str], None]
"""Takes the name of a process and a line that it wrote."""


@dataclass(frozen=True)
class _Output:
    """The reading end of a pipe of our own: with asyncio's, an exit is not reported before the pipe is closed."""

    lines: asyncio.StreamReader
    _transport: asyncio.ReadTransport

    @classmethod
    async def of(cls, handle: int) -> _Output:
        lines = asyncio.StreamReader(limit=_LONGEST_LINE)
        protocol = asyncio.StreamReaderProtocol(lines)
        pipe = os.fdopen(handle, "rb", buffering=0)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, pipe)
        return cls(lines, transport)

    def close(self) -> None:
        self._transport.close()


class MeshProcess:
    """A started process of the mesh."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, output: _Output, say: Say) -> None:
        self.name = name
        self._process, self._output = process, output
        self._reading = asyncio.create_task(self._read(say))

    @classmethod
    async def start(cls, name: str, module: str, environment: Mapping[str, str], say: Say) -> MeshProcess:
        """Starts a Python module. It dies with this process, even when this one is killed -9.

        Raises OSError or RuntimeError when this machine has no room for another process.
        """
        reading, writing = os.pipe()
        with os.fdopen(writing, "wb") as pipe:
            output = await _Output.of(reading)
            try:
                process = await _started(module, environment, pipe)
            except BaseException:
                output.close()
                raise
        return cls(name, process, output, say)

    @property
    def pid(self) -> int:
        """Process id, and id of its group."""
        return self._process.pid

    async def exited(self) -> int:
        """Waits for the end and returns the exit code; negative: the signal."""
        code = await self._process.wait()
        self._signal_group(signal.SIGKILL)  # a worker that outlived its server
        await asyncio.wait([self._reading], timeout=_LAST_WORDS_S)  # a child outside the group may hold the pipe
        self._output.close()
        return code

    async def stop(self, grace_s: float) -> None:
        """Asks it to end, and kills its whole group after `grace_s`."""
        await self.end(grace_s)
        await self.exited()

    async def end(self, grace_s: float) -> None:
        """Like `stop`, for whoever leaves its last words to the one who waits for its exit."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
        try:
            async with asyncio.timeout(grace_s):
                await self._process.wait()
        except TimeoutError:
            self._signal_group(signal.SIGKILL)

    def kill(self) -> None:
        """Ends it and its children at once."""
        self._signal_group(signal.SIGKILL)

    def _signal_group(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    async def _read(self, say: Say) -> None:
        while True:
            try:
                line = await self._output.lines.readline()
            except ValueError:  # longer than any line that is meant to be read
                continue
            if not line:
                return
            with contextlib.suppress(OSError):  # full disk or closed terminal: an unread pipe would block the process
                say(self.name, line.decode(errors="replace").rstrip())


async def _started(module: str, environment: Mapping[str, str], pipe: IO[bytes]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",  # a folder named "services" in the user's working directory must not be imported
        "-m",
        "gateway.mesh.launch",
        str(os.getpid()),
        module,
        env={**os.environ, **environment, "PYTHONIOENCODING": "utf-8"},  # which its lines are read as
        stdin=asyncio.subprocess.DEVNULL,
        stdout=pipe,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C reaches the supervisor alone, which ends all in order
    )
