import asyncio
from collections.abc import AsyncIterator, Iterable

import numpy as np
import pytest

from services.base.errors import InvalidInputError, UnavailableError
from services.runtime.audio_stream import AudioStream
from vigent.asr.v1 import asr_pb2
from vigent.media.v1 import media_pb2

MONO = media_pb2.AudioFormat(encoding=media_pb2.AUDIO_ENCODING_PCM_S16LE, sample_rate_hz=16_000, channels=1)
PCM = np.arange(-500, 500, dtype=np.int16)


def opening(**changes) -> asr_pb2.AlignRequest:
    format_ = media_pb2.AudioFormat()
    format_.CopyFrom(MONO)
    for name, value in changes.items():
        setattr(format_, name, value)
    return asr_pb2.AlignRequest(open=asr_pb2.AlignOpen(text="one", format=format_))


def audio(sequence: int, first_sample: int, data: bytes) -> asr_pb2.AlignRequest:
    return asr_pb2.AlignRequest(audio=media_pb2.AudioChunk(sequence=sequence, first_sample=first_sample, data=data))


def end(samples: int) -> asr_pb2.AlignRequest:
    return asr_pb2.AlignRequest(end=asr_pb2.AlignEnd(samples=samples))


WHOLE = [opening(), audio(0, 0, PCM[:300].tobytes()), audio(1, 300, PCM[300:].tobytes()), end(1000)]


async def stream_of(parts: Iterable[asr_pb2.AlignRequest]) -> AsyncIterator[asr_pb2.AlignRequest]:
    for part in parts:
        yield part


async def read(parts: Iterable[asr_pb2.AlignRequest], **limits: float) -> np.ndarray:
    stream = AudioStream(stream_of(parts), **limits)
    await stream.opened()
    chunks = [chunk async for chunk in stream.chunks()]
    samples = np.concatenate([np.empty(0, np.int16), *chunks])
    assert stream.samples == len(samples)
    return samples


async def test_gives_the_samples_as_sent():
    assert np.array_equal(await read(WHOLE), PCM)


async def test_gives_the_opening_and_its_rate():
    stream = AudioStream(stream_of(WHOLE))
    opened = await stream.opened()
    assert opened.open.text == "one"
    assert stream.sample_rate_hz == 16_000


async def test_an_empty_chunk_is_counted_but_not_given():
    assert np.array_equal(await read([opening(), audio(0, 0, b""), audio(1, 0, PCM.tobytes()), end(1000)]), PCM)


@pytest.mark.fault(
    "chunks repeated, missing or out of order",
    promised="Refused by sequence and totals, naming the chunk.",
)
@pytest.mark.parametrize(
    ("parts", "field", "reason"),
    [
        ([], "part", "OUT_OF_ORDER"),
        ([audio(0, 0, b"ab"), end(1)], "part", "OUT_OF_ORDER"),
        ([asr_pb2.AlignRequest()], "part", "OUT_OF_ORDER"),
        ([opening(), opening()], "part", "OUT_OF_ORDER"),
        ([opening(), audio(0, 0, b"ab")], "part", "OUT_OF_ORDER"),
        ([opening(), audio(0, 0, b"ab"), end(1), audio(1, 1, b"ab")], "part", "OUT_OF_ORDER"),
        ([opening(), audio(1, 0, b"ab"), end(1)], "audio.sequence", "OUT_OF_SEQUENCE"),
        ([opening(), audio(0, 0, b"ab"), audio(0, 0, b"ab"), end(2)], "audio.sequence", "OUT_OF_SEQUENCE"),
        ([opening(), audio(0, 0, b"ab"), audio(1, 7, b"ab"), end(2)], "audio.sequence", "OUT_OF_SEQUENCE"),
        ([opening(), audio(0, 0, b"abc"), end(1)], "audio.data", "BROKEN_SAMPLE"),
        ([opening(), audio(0, 0, b"ab"), end(2)], "end.samples", "TOTALS_DIFFER"),
        ([opening(encoding=0)], "open.format.encoding", "UNREADABLE_FORMAT"),
        ([opening(channels=2)], "open.format.channels", "UNREADABLE_FORMAT"),
        ([opening(sample_rate_hz=0)], "open.format.sample_rate_hz", "UNREADABLE_FORMAT"),
        ([opening(sample_rate_hz=400_000)], "open.format.sample_rate_hz", "UNREADABLE_FORMAT"),
    ],
)
async def test_refuses_what_breaks_the_protocol(parts, field, reason):
    with pytest.raises(InvalidInputError) as refused:
        await read(parts)
    assert (refused.value.field, refused.value.reason) == (field, reason)
    assert refused.value.remedy


async def test_refuses_audio_beyond_the_limit():
    with pytest.raises(InvalidInputError, match=r"longer than 0\.01 s") as refused:
        await read(WHOLE, longest_s=0.01)
    assert refused.value.reason == "AUDIO_TOO_LONG"


@pytest.mark.parametrize(("said", "remedy"), [([opening()], "then `end`"), ([opening(), end(0)], "Close the stream")])
async def test_a_silent_caller_is_not_awaited_for_ever(said: list[asr_pb2.AlignRequest], remedy: str):
    async def silent() -> AsyncIterator[asr_pb2.AlignRequest]:
        for part in said:
            yield part
        await asyncio.Event().wait()

    stream = AudioStream(silent(), idle_limit_s=0.01)
    await stream.opened()
    with pytest.raises(UnavailableError, match=remedy):
        await anext(stream.chunks())
