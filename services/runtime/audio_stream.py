"""A caller's stream of audio: open, chunks, end, strictly checked. Shared by all services that receive audio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Generic, Literal, Protocol, TypeVar

import numpy as np
from numpy import int16
from numpy.typing import NDArray

from services.base.errors import InvalidInputError, UnavailableError
from vigent.media.v1 import media_pb2

SAMPLE_RATES_HZ = range(8_000, 192_001)
"""Accepted sample rates; 8 kHz is telephone speech, 192 kHz the highest in use."""

LONGEST_S = 3_600.0
IDLE_LIMIT_S = 120.0
"""How long a caller may send nothing; holds for closing the stream after its `end` as well."""

_BYTES_PER_SAMPLE = 2


class _Open(Protocol):
    @property
    def format(self) -> media_pb2.AudioFormat: ...


class _End(Protocol):
    @property
    def samples(self) -> int: ...


class AudioPart(Protocol):
    """One message of such a stream: TranscribeRequest, AlignRequest, LipsyncRequest."""

    @property
    def open(self) -> _Open: ...  # noqa: D102

    @property
    def audio(self) -> media_pb2.AudioChunk: ...  # noqa: D102

    @property
    def end(self) -> _End: ...  # noqa: D102

    def WhichOneof(self, oneof_group: Literal["part"]) -> Literal["open", "audio", "end"] | None: ...  # noqa: D102, N802


Part = TypeVar("Part", bound=AudioPart)


class AudioStream(Generic[Part]):
    """Reads such a stream: `await opened()` once, then `chunks()` once, which ends when the caller closes the stream.

    Anything out of order, out of sequence, in an unreadable format or at odds with the totals raises InvalidInputError.
    A caller that sends nothing for `idle_limit_s` while its next message is awaited raises UnavailableError
    (CALLER_IDLE): it may call again.
    """

    def __init__(
        self, parts: AsyncIterator[Part], *, longest_s: float = LONGEST_S, idle_limit_s: float = IDLE_LIMIT_S
    ) -> None:
        self._parts = aiter(parts)
        self._longest_s = longest_s
        self._idle_limit_s = idle_limit_s
        self._sequence = 0
        self.sample_rate_hz = 0
        self.samples = 0  # received so far; all of them once chunks() has ended

    async def opened(self) -> Part:
        """The first message; its `open` announces the format, which is checked."""
        part = await self._next()
        if part is None or part.WhichOneof("part") != "open":
            raise _out_of_order("open", "first", part)
        self.sample_rate_hz = sample_rate_of(part.open.format)
        return part

    async def chunks(self) -> AsyncIterator[NDArray[int16]]:
        """The chunks that follow as they arrive, int16 mono of shape (samples,) at `sample_rate_hz`; never empty."""
        while (part := await self._next()) is not None and part.WhichOneof("part") == "audio":
            pcm = self._samples_of(part.audio)
            if pcm.size:
                yield pcm
        if part is None or part.WhichOneof("part") != "end":
            raise _out_of_order("end", "after the audio", part)
        await self._close(part.end.samples)

    async def _next(self, remedy: str = "Send audio as it is made, then `end`.") -> Part | None:
        try:
            async with asyncio.timeout(self._idle_limit_s):
                return await anext(self._parts, None)
        except TimeoutError:
            problem = f"The stream said nothing for {self._idle_limit_s:g} s."
            raise UnavailableError(problem, remedy, reason="CALLER_IDLE") from None

    def _samples_of(self, chunk: media_pb2.AudioChunk) -> NDArray[int16]:
        if (chunk.sequence, chunk.first_sample) != (self._sequence, self.samples):
            raise InvalidInputError(
                f"Chunk {chunk.sequence} from sample {chunk.first_sample} came where chunk {self._sequence} "
                f"from sample {self.samples} belongs.",
                "Send every chunk once, in order.",
                "audio.sequence",
                "OUT_OF_SEQUENCE",
            )
        if len(chunk.data) % _BYTES_PER_SAMPLE:
            raise InvalidInputError(
                f"Chunk {chunk.sequence} has {len(chunk.data)} bytes, which is not a whole number of 16-bit samples.",
                "Cut the audio between samples.",
                "audio.data",
                "BROKEN_SAMPLE",
            )
        self._sequence += 1
        self.samples += len(chunk.data) // _BYTES_PER_SAMPLE
        if self.samples > self._longest_s * self.sample_rate_hz:
            raise InvalidInputError(
                f"The audio is longer than {self._longest_s:g} s.", "Send it in parts.", "audio", "AUDIO_TOO_LONG"
            )
        return np.frombuffer(chunk.data, dtype="<i2").astype(int16, copy=False)

    async def _close(self, samples: int) -> None:
        if samples != self.samples:
            raise InvalidInputError(
                f"The end names {samples} samples, but {self.samples} came.",
                "Send the audio again, whole.",
                "end.samples",
                "TOTALS_DIFFER",
            )
        if (part := await self._next("Close the stream after `end`.")) is not None:
            raise _out_of_order("nothing", "after the end", part)


def sample_rate_of(format_: media_pb2.AudioFormat) -> int:
    """The sample rate of a format, 16-bit PCM mono. Raises InvalidInputError for any other format."""
    if format_.encoding != media_pb2.AUDIO_ENCODING_PCM_S16LE:
        raise _unreadable("encoding", format_.encoding, "Send AUDIO_ENCODING_PCM_S16LE.")
    if format_.channels != 1:
        raise _unreadable("channels", format_.channels, "Send one channel.")
    if format_.sample_rate_hz not in SAMPLE_RATES_HZ:
        remedy = f"Send {SAMPLE_RATES_HZ.start} to {SAMPLE_RATES_HZ.stop - 1} Hz."
        raise _unreadable("sample_rate_hz", format_.sample_rate_hz, remedy)
    return format_.sample_rate_hz


def _unreadable(field: str, value: int, remedy: str) -> InvalidInputError:
    return InvalidInputError(
        f"Audio with {field} {value} cannot be read.", remedy, f"open.format.{field}", "UNREADABLE_FORMAT"
    )


def _out_of_order(expected: str, place: str, part: AudioPart | None) -> InvalidInputError:
    found = "the stream closed" if part is None else f"`{part.WhichOneof('part') or 'an empty message'}` came"
    return InvalidInputError(
        f"{expected.capitalize()} belongs {place}, but {found}.",
        "Send `open`, then `audio`, then `end`, then close the stream.",
        "part",
        "OUT_OF_ORDER",
    )
