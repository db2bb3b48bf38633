"""Sound in formats other than PCM: each stream is encoded by its own child process while it is being made."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator
from contextlib import aclosing

from services.base.errors import DeadlineExceededError, ExhaustedError, InternalError

_ENCODER = "services.media.speech.encoder"
_READ_BYTES = 1 << 16


class Encoders:
    """Encodes at most `at_once` streams at the same time; none is waited for longer than `timeout_s`."""

    def __init__(self, at_once: int, timeout_s: float) -> None:
        self._places, self._timeout_s = asyncio.Semaphore(at_once), timeout_s

    async def encoded(self, samples: AsyncGenerator[bytes, None], format_: str, rate_hz: int) -> AsyncGenerator[bytes]:
        """Int16 mono samples as "mp3", "opus" (in Ogg), "aac" (ADTS) or "flac".

        Raises ExhaustedError when all places are taken, and what `samples` raises.
        """
        if self._places.locked():
            problem, remedy = "Too many responses are being encoded.", "Try again soon, or ask for wav or pcm."
            raise ExhaustedError(problem, remedy, reason="TOO_MANY_ENCODERS", retry_after_s=2.0)
        async with self._places:
            command = (sys.executable, "-m", _ENCODER, format_, str(rate_hz))
            child = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
            feeding = asyncio.create_task(_feed(child, samples))
            try:
                while data := await self._read(child):
                    yield data
                await feeding
                if await child.wait():
                    raise InternalError("The encoder exited early.", "The gateway's log has the reason.")
            finally:
                feeding.cancel()
                if child.returncode is None:
                    child.kill()

    async def _read(self, child: asyncio.subprocess.Process) -> bytes:
        assert child.stdout is not None
        try:
            async with asyncio.timeout(self._timeout_s):
                return await child.stdout.read(_READ_BYTES)
        except TimeoutError as error:
            problem = f"Nothing was encoded within {self._timeout_s:g} s."
            raise DeadlineExceededError(problem, "Try again, or ask for wav or pcm.") from error


async def _feed(child: asyncio.subprocess.Process, samples: AsyncGenerator[bytes, None]) -> None:
    """Always closes the child's input; an error of the voice is raised once the remaining output has been read."""
    assert child.stdin is not None
    async with aclosing(samples):
        try:
            async for data in samples:
                child.stdin.write(data)
                await child.stdin.drain()
        except ConnectionError:  # the child has ended; its exit code tells why
            return
        finally:
            child.stdin.close()
