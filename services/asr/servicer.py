"""The gRPC side of listening: reads the caller's stream, turns what the engine yields into messages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import grpc

from services.asr.canary import CANARY
from services.asr.engine import Alignment, Heard, Listening, Word
from services.base.errors import InvalidInputError
from services.enginekit.progress import ProgressSnapshot
from services.media.store import MediaStore
from services.runtime.audio_stream import AudioStream
from services.runtime.interceptors import Context
from services.runtime.server import ServiceSpec
from services.runtime.worker.call import progress_message
from services.runtime.worker.worker import Worker
from services.text.plain_text import checked_text
from services.text.pronunciation_messages import pronunciations_of
from vigent.asr.v1 import asr_pb2, asr_pb2_grpc
from vigent.media.v1 import media_pb2

LONGEST_ALIGNED_S = 600.0
"""A text of 1,000 characters takes four minutes to say; alignment holds its audio in memory."""


class AsrServicer(asr_pb2_grpc.AsrServiceServicer):
    """Serves vigent.asr.v1.AsrService from the engine in `worker`."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def Transcribe(
        self, request_iterator: AsyncIterator[asr_pb2.TranscribeRequest], context: Context
    ) -> AsyncIterator[asr_pb2.TranscribeResponse]:
        """Streams accepted, then progress and segments, then done."""
        del context
        stream = AudioStream(request_iterator)
        open_ = (await stream.opened()).open
        listening = Listening(stream.sample_rate_hz, open_.language, open_.words)
        language = open_.language
        async with self._worker.call("transcribe", listening, stream.chunks()) as call:
            yield asr_pb2.TranscribeResponse(accepted=call.accepted)
            with _fields_of_open():
                async for event in call.events():
                    if isinstance(event, Heard):
                        language = language or event.language
                        yield asr_pb2.TranscribeResponse(segment=_segment(event))
                    elif isinstance(event, ProgressSnapshot):
                        yield asr_pb2.TranscribeResponse(progress=progress_message(event))
            call.media_s = stream.samples / stream.sample_rate_hz
            yield asr_pb2.TranscribeResponse(done=asr_pb2.TranscribeDone(samples=stream.samples, language=language))

    async def Align(
        self, request_iterator: AsyncIterator[asr_pb2.AlignRequest], context: Context
    ) -> AsyncIterator[asr_pb2.AlignResponse]:
        """Streams accepted, then progress and words, then done."""
        del context
        stream = AudioStream(request_iterator, longest_s=LONGEST_ALIGNED_S)
        open_ = (await stream.opened()).open
        text = checked_text(open_.text, "open.text")
        told = pronunciations_of(open_.pronunciations, text, "open.pronunciations")
        alignment = Alignment(text, stream.sample_rate_hz, open_.language, told)
        words = 0
        async with self._worker.call("align", alignment, stream.chunks()) as call:
            yield asr_pb2.AlignResponse(accepted=call.accepted)
            with _fields_of_open():
                async for event in call.events():
                    if isinstance(event, Word):
                        words += 1
                        yield asr_pb2.AlignResponse(word=_word(event))
                    elif isinstance(event, ProgressSnapshot):
                        yield asr_pb2.AlignResponse(progress=progress_message(event))
            call.media_s = stream.samples / stream.sample_rate_hz
            yield asr_pb2.AlignResponse(done=asr_pb2.AlignDone(words=words, samples=stream.samples))


@contextmanager
def _fields_of_open() -> Iterator[None]:
    """Engines' errors name fields of what they were given; to the caller these are fields of `open`."""
    try:
        yield
    except InvalidInputError as error:
        if error.field in {"text", "language"}:
            error.field = f"open.{error.field}"
        raise


def _segment(heard: Heard) -> asr_pb2.TranscribedSegment:
    return asr_pb2.TranscribedSegment(
        text=heard.text,
        start_sample=heard.start_sample,
        end_sample=heard.end_sample,
        words=[_word(word) for word in heard.words],
    )


def _word(word: Word) -> media_pb2.Word:
    return media_pb2.Word(
        text=word.text,
        char_start=word.char_start,
        char_end=word.char_end,
        start_sample=word.start_sample,
        end_sample=word.end_sample,
        confidence=word.confidence,
    )


def _add(server: grpc.aio.Server, worker: Worker, store: MediaStore) -> None:
    del store
    asr_pb2_grpc.add_AsrServiceServicer_to_server(AsrServicer(worker), server)


SPEC = ServiceSpec(
    name="asr",
    full_name="vigent.asr.v1.AsrService",
    engines={
        "dtw": "services.asr.dtw.engine:DtwEngine",
        "pocketsphinx": "services.asr.dtw.engine:DtwEngine",
        "whisper": "services.asr.whisper.engine:WhisperEngine",
    },
    default_engine="dtw",
    add=_add,
    canary=CANARY,
)
