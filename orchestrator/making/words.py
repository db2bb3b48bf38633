"""A take as a stream of requests, and what the ASR servers make of it: words with their times, or a transcript."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import TypeVar

from google.protobuf import json_format

from orchestrator.making.servers import CALL_TIMEOUT_S
from orchestrator.making.take import SAMPLE_BYTES, Take
from services.base.client import remote_errors
from services.base.tracing.spans import present
from services.text.pronunciation import Pronunciation
from services.text.pronunciation_messages import pronunciation_messages
from vigent.asr.v1 import asr_pb2
from vigent.asr.v1.asr_pb2_grpc import AsrServiceStub
from vigent.media.v1 import media_pb2

_T = TypeVar("_T")


async def align(
    stub: AsrServiceStub,
    take: Take,
    text: str,
    language: str,
    timeout_s: float = CALL_TIMEOUT_S,
    pronunciations: Sequence[Pronunciation] = (),
) -> list[media_pb2.Word]:
    """The words of `text` with their samples in `take`, in order; some are said as `pronunciations` tell."""
    told, format_ = pronunciation_messages(pronunciations), audio_format(take)
    opening = asr_pb2.AlignOpen(text=text, language=language, format=format_, pronunciations=told)
    with remote_errors():
        requests = audio_requests(asr_pb2.AlignRequest, opening, asr_pb2.AlignEnd, take)
        call = stub.Align(requests, timeout=timeout_s, metadata=present().metadata)
        return [response.word async for response in call if response.WhichOneof("event") == "word"]


async def transcribe(
    stub: AsrServiceStub, take: Take, language: str, timeout_s: float = CALL_TIMEOUT_S, *, words: bool = False
) -> list[asr_pb2.TranscribedSegment]:
    """What is heard in `take`, with `words` or without; `language` is BCP 47, or "" for engines that find it out."""
    opening = asr_pb2.TranscribeOpen(language=language, format=audio_format(take), words=words)
    with remote_errors():
        requests = audio_requests(asr_pb2.TranscribeRequest, opening, asr_pb2.TranscribeEnd, take)
        call = stub.Transcribe(requests, timeout=timeout_s, metadata=present().metadata)
        return [response.segment async for response in call if response.WhichOneof("event") == "segment"]


def text_of(segments: Iterable[asr_pb2.TranscribedSegment]) -> str:
    """All that was heard."""
    return " ".join(segment.text for segment in segments)


async def audio_requests(
    request: Callable[..., _T], opening: object, end: Callable[..., object], take: Take
) -> AsyncIterator[_T]:
    """The request stream of a call that listens: `opening`, the take in chunks of at most half a second, its `end`."""
    yield request(open=opening)
    sequence = samples = 0
    async for data in take.chunks(take.sample_rate_hz // 2):
        yield request(audio=media_pb2.AudioChunk(sequence=sequence, first_sample=samples, data=data))
        sequence, samples = sequence + 1, samples + len(data) // SAMPLE_BYTES
    yield request(end=end(samples=take.samples))


def audio_format(take: Take) -> media_pb2.AudioFormat:
    """Format of a take's samples."""
    return media_pb2.AudioFormat(
        encoding=media_pb2.AUDIO_ENCODING_PCM_S16LE, sample_rate_hz=take.sample_rate_hz, channels=1
    )


def words_to_json(words: Sequence[media_pb2.Word]) -> bytes:
    """Words as they are kept in the media store: one JSON object a line."""
    lines = (json_format.MessageToJson(word, indent=None, always_print_fields_with_no_presence=True) for word in words)
    return "".join(line + "\n" for line in lines).encode()


def words_from_json(data: bytes) -> list[media_pb2.Word]:
    """Words from what `words_to_json` wrote."""
    return [json_format.Parse(line, media_pb2.Word()) for line in data.decode().splitlines()]
