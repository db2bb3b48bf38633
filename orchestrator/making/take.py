"""A take: the voice of one segment, while it is being made and afterwards."""

from __future__ import annotations

import asyncio
import hashlib
import io
import wave
from collections.abc import AsyncIterator

from services.base.errors import InternalError
from services.media.timeline import frames_of, samples_per_frame

SAMPLE_BYTES = 2


class Take:
    """16-bit mono samples that one voice writes and several readers read, each from the start and at its own pace.

    It is bounded by the length of one sentence, and a slow reader never holds up the voice. So there is no deadlock
    when lip-sync waits for captions, which wait for the whole voice. `cut`: the voice was stopped at the length limit.
    """

    def __init__(self, sample_rate_hz: int) -> None:
        self.sample_rate_hz = sample_rate_hz
        self._data = bytearray()
        self.closed = self.cut = False
        self._grown = asyncio.Event()

    @property
    def samples(self) -> int:
        """Samples so far."""
        return len(self._data) // SAMPLE_BYTES

    @property
    def frames(self) -> int:
        """How many film frames the take spans."""
        return frames_of(self.samples, self.sample_rate_hz)

    @property
    def duration_s(self) -> float:
        """Seconds so far."""
        return self.samples / self.sample_rate_hz

    def sha256(self) -> str:
        """Hash of all samples so far, in hexadecimal digits."""
        return hashlib.sha256(self._data).hexdigest()

    def data(self) -> bytes:
        """All samples so far, int16 little-endian."""
        return bytes(self._data)

    def append(self, data: bytes) -> None:
        """Adds samples (int16 little-endian) and wakes the readers."""
        self._data += data
        self._wake()

    def close(self, pause_s: float = 0.0) -> None:
        """Ends the take: adds `pause_s` of silence, and more up to a whole film frame."""
        silence = round(pause_s * self.sample_rate_hz)
        frames = frames_of(self.samples + silence, self.sample_rate_hz)
        self._data += bytes(frames * samples_per_frame(self.sample_rate_hz) * SAMPLE_BYTES - len(self._data))
        self.closed = True
        self._wake()

    async def chunks(self, chunk_samples: int) -> AsyncIterator[bytes]:
        """All samples from the first to the last, as they come, in pieces of at most `chunk_samples`."""
        position, size = 0, chunk_samples * SAMPLE_BYTES
        while not self.closed or position < len(self._data):
            grown = self._grown
            if piece := bytes(self._data[position : position + size]):
                position += len(piece)
                yield piece
            else:
                await grown.wait()

    def wav(self) -> bytes:
        """The whole take as a WAV file."""
        file = io.BytesIO()
        with wave.open(file, "wb") as writer:
            writer.setnchannels(1)
            writer.setsampwidth(SAMPLE_BYTES)
            writer.setframerate(self.sample_rate_hz)
            writer.writeframes(self._data)
        return file.getvalue()

    @classmethod
    def from_wav(cls, data: bytes) -> Take:
        """A finished take from what `wav` wrote."""
        with wave.open(io.BytesIO(data)) as reader:
            if (reader.getnchannels(), reader.getsampwidth()) != (1, SAMPLE_BYTES):
                raise InternalError("A stored voice is not 16-bit mono.")
            take = cls(reader.getframerate())
            take.append(reader.readframes(reader.getnframes()))
        take.close()
        return take

    def _wake(self) -> None:
        self._grown.set()
        self._grown = asyncio.Event()
