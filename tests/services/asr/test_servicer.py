from collections.abc import AsyncIterator, Iterator

import grpc
import numpy as np
import pytest

from services.text.words import words_of
from tests.support.mesh import Server, run_server
from tests.support.refusals import refusal
from tests.support.spoken import MIXED, record
from vigent.asr.v1 import asr_pb2, asr_pb2_grpc
from vigent.media.v1 import media_pb2

TEXT = MIXED[0]
FORMAT = media_pb2.AudioFormat(encoding=media_pb2.AUDIO_ENCODING_PCM_S16LE, sample_rate_hz=22_050, channels=1)


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    with run_server("services.asr", tmp_path_factory.mktemp("asr")) as server:
        yield server


@pytest.fixture
async def stub(server) -> AsyncIterator[asr_pb2_grpc.AsrServiceStub]:
    async with grpc.aio.insecure_channel(server.address) as channel:
        yield asr_pb2_grpc.AsrServiceStub(channel)


def chunks(samples: np.ndarray, size: int = 10_000) -> list[media_pb2.AudioChunk]:
    starts = range(0, len(samples), size)
    return [
        media_pb2.AudioChunk(sequence=number, first_sample=start, data=samples[start : start + size].tobytes())
        for number, start in enumerate(starts)
    ]


def alignment(text: str, samples: np.ndarray, language: str = "") -> list[asr_pb2.AlignRequest]:
    opening = asr_pb2.AlignRequest(open=asr_pb2.AlignOpen(text=text, language=language, format=FORMAT))
    audio = [asr_pb2.AlignRequest(audio=chunk) for chunk in chunks(samples)]
    return [opening, *audio, asr_pb2.AlignRequest(end=asr_pb2.AlignEnd(samples=len(samples)))]


async def test_aligns_accepted_words_done(stub):
    recording = record(TEXT, variant="f2")
    events = [event async for event in stub.Align(iter(alignment(TEXT, recording.samples)), timeout=60)]
    assert events[0].WhichOneof("event") == "accepted"
    assert events[0].accepted.engine == "dtw"
    words = [event.word for event in events if event.HasField("word")]
    assert [(word.char_start, word.char_end) for word in words] == [(word.start, word.end) for word in words_of(TEXT)]
    assert all(word.text == TEXT[word.char_start : word.char_end] for word in words)
    errors_ms = np.abs(np.array([word.start_sample for word in words]) - recording.starts) / 22.05
    assert np.median(errors_ms) <= 50
    assert np.percentile(errors_ms, 95) <= 150
    assert events[-1].done == asr_pb2.AlignDone(words=len(words), samples=len(recording.samples))


async def test_transcribes_accepted_segments_done(stub):
    speech = record("one two three four five", variant="klatt4", speed=0.9).samples
    samples = np.concatenate([np.zeros(11_025, np.int16), speech, np.zeros(22_050, np.int16)])
    opening = asr_pb2.TranscribeRequest(open=asr_pb2.TranscribeOpen(format=FORMAT, words=True))
    audio = [asr_pb2.TranscribeRequest(audio=chunk) for chunk in chunks(samples)]
    end = asr_pb2.TranscribeRequest(end=asr_pb2.TranscribeEnd(samples=len(samples)))
    events = [event async for event in stub.Transcribe(iter([opening, *audio, end]), timeout=60)]
    assert events[0].HasField("accepted")
    (segment,) = (event.segment for event in events if event.HasField("segment"))
    assert segment.text == "one two three four five"
    assert [segment.text[word.char_start : word.char_end] for word in segment.words] == segment.text.split()
    assert events[-1].done == asr_pb2.TranscribeDone(samples=len(samples), language="en")


async def test_transcribing_another_language_is_refused(stub):
    opening = asr_pb2.TranscribeRequest(open=asr_pb2.TranscribeOpen(format=FORMAT, language="zh"))
    end = asr_pb2.TranscribeRequest(end=asr_pb2.TranscribeEnd(samples=0))
    expected = (grpc.StatusCode.INVALID_ARGUMENT, "open.language", "UNSUPPORTED_LANGUAGE")
    assert await refusal(stub.Transcribe(iter([opening, end]), timeout=60)) == expected


SILENCE = np.zeros(20_000, np.int16)
SOUND = np.full(20_000, 100, np.int16)


@pytest.mark.parametrize(
    ("requests", "field", "reason"),
    [
        (alignment("", SOUND), "open.text", "NOTHING_TO_SAY"),
        (alignment("…", SOUND), "open.text", "NOTHING_TO_SAY"),
        (alignment("好" * 1001, SOUND), "open.text", "TEXT_TOO_LONG"),
        (alignment("a\0b", SOUND), "open.text", "NOT_PLAIN_TEXT"),
        (alignment("hello", SOUND, "zz"), "open.language", "UNKNOWN_LANGUAGE"),
        (alignment("hello", SILENCE), "audio", "SILENT"),
        (alignment("a long text that cannot be said so fast " * 5, SOUND), "audio", "AUDIO_TOO_SHORT"),
        ([], "part", "OUT_OF_ORDER"),
        (alignment("hello", SOUND)[1:], "part", "OUT_OF_ORDER"),
        (alignment("hello", SOUND)[:-1], "part", "OUT_OF_ORDER"),
        (alignment("hello", SOUND)[:2] * 2, "part", "OUT_OF_ORDER"),
        ([alignment("hello", SOUND)[i] for i in (0, 2, 3)], "audio.sequence", "OUT_OF_SEQUENCE"),
        ([alignment("hello", SOUND)[i] for i in (0, 1, -1)], "end.samples", "TOTALS_DIFFER"),
        ([asr_pb2.AlignRequest(open=asr_pb2.AlignOpen(text="hello"))], "open.format.encoding", "UNREADABLE_FORMAT"),
    ],
)
async def test_refuses_what_breaks_the_protocol(stub, requests, field, reason):
    expected = (grpc.StatusCode.INVALID_ARGUMENT, field, reason)
    assert await refusal(stub.Align(iter(requests), timeout=60)) == expected


async def test_works_on_after_refusals_and_cancelled_calls(stub):
    call = stub.Align(iter(alignment(TEXT, record(TEXT).samples)[:-1]), timeout=60)
    await call.read()
    call.cancel()
    events = [event async for event in stub.Align(iter(alignment("好", record("好").samples)), timeout=60)]
    assert events[-1].done.words == 1
