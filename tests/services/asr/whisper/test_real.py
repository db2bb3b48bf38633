"""The real listening server with the real weights of Whisper base, and natural voices."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import grpc
import numpy as np
import pytest
from numpy import int16
from numpy.typing import NDArray

from tests.support.mesh import run_server
from tests.support.natural import RATE_HZ, spoken
from tests.support.starter import starter_model
from vigent.asr.v1 import asr_pb2, asr_pb2_grpc
from vigent.media.v1 import media_pb2

CHINESE = "大家好，欢迎来到我们的频道，今天我们讲一个电脑的故事。"
ENGLISH = "Good morning everyone, and welcome to our channel."
FORMAT = media_pb2.AudioFormat(encoding=media_pb2.AUDIO_ENCODING_PCM_S16LE, sample_rate_hz=RATE_HZ, channels=1)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("server")
    environment = {
        "VIGENT_ASR_ENGINE": "whisper",
        "VIGENT_ASR_CHECKPOINT": str(starter_model("faster-whisper-base")),
        "VIGENT_ASR_CACHE_ROOT": str(folder / "cache"),
        "VIGENT_ASR_OPTIONS": '{"cpu_threads": "1"}',
    }
    with run_server("services.asr", folder, environment) as server:
        yield server.address


async def heard(address: str, samples: NDArray[int16], language: str = "") -> list[asr_pb2.TranscribeResponse]:
    """What is heard when `samples` are sent in chunks."""

    def requests() -> Iterator[asr_pb2.TranscribeRequest]:
        yield asr_pb2.TranscribeRequest(open=asr_pb2.TranscribeOpen(language=language, format=FORMAT, words=True))
        for sequence, start in enumerate(range(0, len(samples), RATE_HZ // 2)):
            data = samples[start : start + RATE_HZ // 2].astype("<i2").tobytes()
            chunk = media_pb2.AudioChunk(sequence=sequence, first_sample=start, data=data)
            yield asr_pb2.TranscribeRequest(audio=chunk)
        yield asr_pb2.TranscribeRequest(end=asr_pb2.TranscribeEnd(samples=len(samples)))

    async with grpc.aio.insecure_channel(address) as channel:
        call = asr_pb2_grpc.AsrServiceStub(channel).Transcribe(requests(), timeout=120)
        return [event async for event in call]


def text_of(events: list[asr_pb2.TranscribeResponse]) -> str:
    return "".join(event.segment.text for event in events if event.HasField("segment"))


@pytest.mark.parametrize(("text", "voice", "language"), [(CHINESE, "zf_xiaobei", "zh"), (ENGLISH, "af_heart", "en")])
async def test_the_language_is_found(address: str, text: str, voice: str, language: str) -> None:
    events = await heard(address, spoken(text, voice))
    assert events[-1].done.language == language
    assert events[-1].done.samples == len(spoken(text, voice))


async def test_english_is_understood(address: str) -> None:
    text = text_of(await heard(address, spoken(ENGLISH, "af_heart"), "en"))
    assert text.replace(",", "") == ENGLISH.replace(",", "")
    assert text.endswith(".")


@pytest.mark.parametrize(
    ("language", "shown", "not_shown"),
    [("", "来们讲个电脑", "來們講個電腦"), ("zh-TW", "來們講個電腦", "来们讲个电脑")],
)
async def test_chinese_has_its_marks_and_the_characters_of_the_place(
    address: str, language: str, shown: str, not_shown: str
) -> None:
    text = text_of(await heard(address, spoken(CHINESE, "zf_xiaobei"), language))
    assert set(shown) <= set(text)
    assert not set(not_shown) & set(text)
    assert text.endswith("。")
    assert "，" in text
    assert not set(",.") & set(text)


async def test_words_are_heard_when_they_are_said(address: str) -> None:
    """Two sentences with two seconds of silence between them: no word lies in it, and each has its own."""
    first, second = (spoken(text, "af_heart") for text in (ENGLISH, "The children are playing in the garden."))
    silence = np.zeros(2 * RATE_HZ, int16)
    segments = [
        event.segment
        for event in await heard(address, np.concatenate([first, silence, second]), "en")
        if event.HasField("segment")
    ]
    words = [(segment.text[word.char_start : word.char_end], word) for segment in segments for word in segment.words]
    assert [name for name, _ in words][-4:] == ["playing", "in", "the", "garden"]
    assert all(before.end_sample <= after.start_sample for (_, before), (_, after) in pairwise(words))
    begun = [name for name, word in words if word.start_sample < len(first)]
    assert begun[-1] == "channel"
    assert all(
        word.end_sample <= len(first) + RATE_HZ // 2 or word.start_sample >= len(first) + len(silence) - RATE_HZ // 4
        for _, word in words
    )
