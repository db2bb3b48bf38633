import hashlib
from collections.abc import AsyncIterator, Iterator

import grpc
import numpy as np
import pytest

from services.text.words import words_of
from tests.support.mesh import Server, run_server
from tests.support.refusals import refusal
from vigent.media.v1 import media_pb2
from vigent.tts.v1 import tts_pb2, tts_pb2_grpc

TEXT = "大家好，这是 Qwen3 的 Hello world 测试。" * 3


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    with run_server("services.tts", tmp_path_factory.mktemp("tts")) as server:
        yield server


@pytest.fixture
async def stub(server) -> AsyncIterator[tts_pb2_grpc.TtsServiceStub]:
    async with grpc.aio.insecure_channel(server.address) as channel:
        yield tts_pb2_grpc.TtsServiceStub(channel)


def synthesis(stub, **request):
    return stub.Synthesize(tts_pb2.SynthesizeRequest(**request), timeout=60)


async def test_streams_accepted_then_audio_and_marks_then_done(stub):
    request = tts_pb2.SynthesizeRequest(text=TEXT, voice="woman")
    events = [event async for event in stub.Synthesize(request, timeout=60)]
    assert events[0].WhichOneof("event") == "accepted"
    assert events[0].accepted.accepted.engine == "espeak"
    assert events[0].accepted.format == media_pb2.AudioFormat(
        encoding=media_pb2.AUDIO_ENCODING_PCM_S16LE, sample_rate_hz=22_050, channels=1
    )
    assert [event.WhichOneof("event") for event in events].count("done") == 1
    done = events[-1].done
    chunks = [event.audio for event in events if event.HasField("audio")]
    pcm = b"".join(chunk.data for chunk in chunks)
    starts = np.cumsum([0, *(len(chunk.data) // 2 for chunk in chunks)])
    assert [chunk.sequence for chunk in chunks] == list(range(len(chunks)))
    assert [chunk.first_sample for chunk in chunks] == list(starts[:-1])
    assert max(len(chunk.data) for chunk in chunks) <= 64 * 1024
    assert done.samples == starts[-1] == len(pcm) // 2
    assert done.sha256 == hashlib.sha256(pcm).hexdigest()
    assert done.finish_reason == tts_pb2.FINISH_REASON_END_OF_TEXT
    marks = [event.mark for event in events if event.HasField("mark")]
    assert [(mark.char_start, mark.char_end) for mark in marks] == [(word.start, word.end) for word in words_of(TEXT)]
    assert all(mark.text == TEXT[mark.char_start : mark.char_end] for mark in marks)


async def test_the_same_request_gives_the_same_samples(stub):
    request = tts_pb2.SynthesizeRequest(text=TEXT, seed=3, speed=1.5)
    takes = [[event async for event in stub.Synthesize(request, timeout=60)][-1].done.sha256 for _ in range(2)]
    assert takes[0] == takes[1]


async def test_lists_voices_by_language(stub):
    every = (await stub.ListVoices(tts_pb2.ListVoicesRequest(), timeout=60)).voices
    assert [voice.id for voice in every][:1] == ["man"]
    assert len(every) >= 8
    for mandarin in ("zh-CN", "cmn", "CMN-Hans"):
        fitting = (await stub.ListVoices(tts_pb2.ListVoicesRequest(language=mandarin), timeout=60)).voices
        assert len(fitting) == len(every)
    assert not (await stub.ListVoices(tts_pb2.ListVoicesRequest(language="zz"), timeout=60)).voices


@pytest.mark.parametrize(
    ("request_", "field", "reason"),
    [
        ({"text": ""}, "text", "NOTHING_TO_SAY"),
        ({"text": "，。😀"}, "text", "NOTHING_TO_SAY"),
        ({"text": "好" * 1001}, "text", "TEXT_TOO_LONG"),
        ({"text": "a\0b"}, "text", "NOT_PLAIN_TEXT"),
        ({"text": "a\x1bb"}, "text", "NOT_PLAIN_TEXT"),
        ({"text": "a", "speed": 3}, "speed", "SPEED_OUT_OF_RANGE"),
        ({"text": "a", "speed": -1}, "speed", "SPEED_OUT_OF_RANGE"),
        ({"text": "a", "speed": float("nan")}, "speed", "SPEED_OUT_OF_RANGE"),
        ({"text": "a", "voice": "nobody"}, "voice", "UNKNOWN_VOICE"),
        ({"text": "a", "language": "zz"}, "language", "UNKNOWN_LANGUAGE"),
        ({"text": "a", "reference_audio": media_pb2.MediaRef(sha256="../../etc")}, "reference_audio", "INVALID_INPUT"),
    ],
)
async def test_refuses_bad_requests_by_field(stub, request_, field, reason):
    assert await refusal(synthesis(stub, **request_)) == (grpc.StatusCode.INVALID_ARGUMENT, field, reason)


async def test_an_unknown_reference_is_not_found(stub):
    code, _, _ = await refusal(synthesis(stub, text="a", reference_audio=media_pb2.MediaRef(sha256="0" * 64)))
    assert code == grpc.StatusCode.NOT_FOUND


async def test_takes_the_longest_text(stub):
    request = tts_pb2.SynthesizeRequest(text="好" * 1000, speed=2)
    events = [event async for event in stub.Synthesize(request, timeout=60)]
    assert events[-1].done.samples > 22_050 * 60


async def test_a_cancelled_call_frees_its_slot(stub):
    call = stub.Synthesize(tts_pb2.SynthesizeRequest(text="好" * 1000, speed=0.5), timeout=60)
    await call.read()
    await call.read()
    call.cancel()
    events = [event async for event in stub.Synthesize(tts_pb2.SynthesizeRequest(text="hello"), timeout=60)]
    assert events[-1].HasField("done")


async def spoken(stub, **request) -> tuple[np.ndarray, list[str]]:
    events = [event async for event in synthesis(stub, **request)]
    pcm = b"".join(event.audio.data for event in events)
    return np.frombuffer(pcm, "<i2"), [event.mark.text for event in events if event.HasField("mark")]


async def test_pauses_and_ellipses_are_silence(stub):
    plain, _ = await spoken(stub, text="好的，走吧。")
    paused, words = await spoken(stub, text="好的，走吧。", pauses=[media_pb2.Pause(char=3, duration_s=2.0)])
    assert longest_silence_s(paused) > 2.0 > 1.0 > longest_silence_s(plain)
    assert words == ["好", "的", "走", "吧"]
    hesitating, _ = await spoken(stub, text="好的……走吧。")
    assert 0.6 <= longest_silence_s(hesitating) < 1.5


async def test_a_word_is_said_as_it_is_told(stub):
    reading = media_pb2.Pronunciation(char_start=1, char_end=4, words="structured query language")
    told, words = await spoken(stub, text="用SQL吧", pronunciations=[reading])
    assert len(told) > len((await spoken(stub, text="用SQL吧"))[0]) + 22_050 // 2
    assert words == ["用", "SQL", "吧"]


@pytest.mark.parametrize(
    ("request_", "field", "reason"),
    [
        ({"pauses": [media_pb2.Pause(char=9, duration_s=1)]}, "pauses[0].char", "BAD_PAUSE"),
        ({"pauses": [media_pb2.Pause(char=1, duration_s=11)]}, "pauses[0].duration_s", "BAD_PAUSE"),
        (
            {"pronunciations": [media_pb2.Pronunciation(char_end=9, words="x")]},
            "pronunciations[0]",
            "BAD_PRONUNCIATION",
        ),
    ],
)
async def test_what_does_not_fit_the_text_is_refused(stub, request_, field, reason):
    refused = await refusal(synthesis(stub, text="一二三", **request_))
    assert refused == (grpc.StatusCode.INVALID_ARGUMENT, field, reason)


def longest_silence_s(samples: np.ndarray) -> float:
    loud = np.flatnonzero(np.abs(samples.astype(int)) > 200)
    return float(np.diff(loud).max()) / 22_050
