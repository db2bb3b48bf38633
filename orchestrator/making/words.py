"""What is said in a take, and when each word of the script is, while it is still speaking."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from google.protobuf import json_format

from orchestrator.making.take import SAMPLE_BYTES, Take
from services.base.client import remote_errors
from services.media.timeline import FRAME_RATE_HZ
from vigent.asr.v1 import asr_pb2
from vigent.asr.v1.asr_pb2_grpc import AsrServiceStub
from vigent.media.v1 import media_pb2


async def align(stub: AsrServiceStub, take: Take, text: str, language: str, timeout_s: float) -> list[media_pb2.Word]:
    """The words of `text` with their samples in `take`, in order."""
    opening = asr_pb2.AlignOpen(text=text, language=language, format=audio_format(take))
    with remote_errors():
        call = stub.Align(_align_requests(opening, take), timeout=timeout_s)
        return [response.word async for response in call if response.WhichOneof("event") == "word"]


async def transcribe(stub: AsrServiceStub, take: Take, language: str, timeout_s: float) -> str:
    """What is heard in `take`; `language` is BCP 47, or "" for engines that find it out."""
    opening = asr_pb2.TranscribeOpen(language=language, format=audio_format(take))
    with remote_errors():
        call = stub.Transcribe(_transcribe_requests(opening, take), timeout=timeout_s)
        heard = [response.segment.text async for response in call if response.WhichOneof("event") == "segment"]
    return " ".join(heard)


async def audio_chunks(take: Take) -> AsyncIterator[media_pb2.AudioChunk]:
    """The take as chunks of half a second at most, as it comes."""
    sequence = samples = 0
    async for data in take.chunks(take.sample_rate_hz // 2):
        yield media_pb2.AudioChunk(sequence=sequence, first_sample=samples, data=data)
        sequence, samples = sequence + 1, samples + len(data) // SAMPLE_BYTES


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


async def _align_requests(opening: asr_pb2.AlignOpen, take: Take) -> AsyncIterator[asr_pb2.AlignRequest]:
    yield asr_pb2.AlignRequest(open=opening)
    async for chunk in audio_chunks(take):
        yield asr_pb2.AlignRequest(audio=chunk)
    yield asr_pb2.AlignRequest(end=asr_pb2.AlignEnd(samples=take.samples))


async def _transcribe_requests(opening: asr_pb2.TranscribeOpen, take: Take) -> AsyncIterator[asr_pb2.TranscribeRequest]:
    yield asr_pb2.TranscribeRequest(open=opening)
    async for chunk in audio_chunks(take):
        yield asr_pb2.TranscribeRequest(audio=chunk)
    yield asr_pb2.TranscribeRequest(end=asr_pb2.TranscribeEnd(samples=take.samples))


def film_frame_of(sample: int, sample_rate_hz: int, first_film_frame: int) -> int:
    """Film frame in which a sample of a segment's voice sounds."""
    return first_film_frame + sample * FRAME_RATE_HZ // sample_rate_hz
