"""Transcription through OpenAI's API: POST /v1/audio/transcriptions, whole or streamed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from io import BufferedReader
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse
from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from gateway.fields import invalid_input_of
from gateway.http.context import Gateway, GatewayDep
from gateway.http.problems import PROBLEM_RESPONSES
from gateway.library.details import SPEECH_RATE_HZ
from services.base.tracing.spans import present
from services.text.cutting import cut
from services.text.languages import language_by_script
from services.text.subtitles import Subtitle, srt, vtt
from vigent.asr.v1 import asr_pb2
from vigent.media.v1 import media_pb2

router = APIRouter(prefix="/v1/audio", tags=["OpenAI-compatible"], responses=PROBLEM_RESPONSES)

PATH = "/v1/audio/transcriptions"
_LISTED = "timestamp_granularities[]"
_CHUNK_BYTES = SPEECH_RATE_HZ  # half a second of 16-bit samples


def _listed(value: object) -> object:
    """A list in any case: a field that came once, without "[]" in its name, is a single text."""
    return [value] if isinstance(value, str) else value


class TranscriptionRequest(BaseModel):
    """The form's fields besides the file."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    model: str = Field(default="vigent", description="Ignored: the mesh has one listening engine.")
    language: str = Field(default="", description="BCP 47 language; detected when empty.")
    response_format: Literal["json", "text", "srt", "vtt", "verbose_json"] = "json"
    stream: bool = Field(default=False, description="Whether text is sent while it is being recognised.")
    granularities: Annotated[list[Literal["word", "segment"]], BeforeValidator(_listed)] = Field(
        default=[],
        validation_alias=AliasChoices(_LISTED, "timestamp_granularities"),
        description="With `word`, verbose_json has the times of words too.",
    )
    prompt: str = Field(default="", description="Ignored.")
    temperature: float = Field(default=0.0, description="Ignored.")
    chunking_strategy: str = Field(default="", description="Ignored.")

    @property
    def words(self) -> bool:
        """Whether the times of words are needed: subtitles are cut between them."""
        return "word" in self.granularities or (self.response_format in {"srt", "vtt"} and not self.stream)


def _form() -> dict[str, Any]:
    schema = TranscriptionRequest.model_json_schema()
    schema["properties"] = {"file": {"type": "string", "format": "binary"}, **schema["properties"]}
    schema["required"] = ["file"]
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


@router.post("/transcriptions", summary="Transcribe", response_class=Response, openapi_extra=_form())
async def transcribe(request: Request, gateway: GatewayDep) -> Response:
    """Transcribes a recording (WAV, MP3, M4A, FLAC, OGG, AAC, or the sound of a video)."""
    async with gateway.uploads.receive(request) as form:
        wanted = _wanted(form.fields)
        with gateway.store.temporary() as target:
            await asyncio.to_thread(gateway.library.decode_speech, form.path, target)
            speech = await asyncio.to_thread(target.open, "rb")  # stays readable when its name is gone
    responses = _responses(gateway, wanted, speech)
    if wanted.stream:
        return StreamingResponse(_streamed(responses), media_type="text/event-stream")
    async with aclosing(responses):
        return _whole([response async for response in responses], wanted)


def _wanted(fields: Mapping[str, object]) -> TranscriptionRequest:
    try:
        return TranscriptionRequest.model_validate(fields)
    except ValidationError as error:
        raise invalid_input_of(dict(error.errors()[0])) from error


async def _responses(
    gateway: Gateway, wanted: TranscriptionRequest, speech: BufferedReader
) -> AsyncGenerator[asr_pb2.TranscribeResponse, None]:
    timeout_s = gateway.settings.speech_timeout_s
    call = gateway.asr.Transcribe(_requests(wanted, speech), timeout=timeout_s, metadata=present().metadata)
    try:
        with gateway.calling("asr"):
            async for response in call:
                yield response
    finally:
        call.cancel()
        speech.close()


async def _requests(wanted: TranscriptionRequest, speech: BufferedReader) -> AsyncIterator[asr_pb2.TranscribeRequest]:
    format_ = media_pb2.AudioFormat(
        encoding=media_pb2.AUDIO_ENCODING_PCM_S16LE, sample_rate_hz=SPEECH_RATE_HZ, channels=1
    )
    yield asr_pb2.TranscribeRequest(
        open=asr_pb2.TranscribeOpen(language=wanted.language, format=format_, words=wanted.words)
    )
    sequence = samples = 0
    while data := await asyncio.to_thread(speech.read, _CHUNK_BYTES):
        chunk = media_pb2.AudioChunk(sequence=sequence, first_sample=samples, data=data)
        yield asr_pb2.TranscribeRequest(audio=chunk)
        sequence, samples = sequence + 1, samples + len(data) // 2
    yield asr_pb2.TranscribeRequest(end=asr_pb2.TranscribeEnd(samples=samples))


async def _streamed(responses: AsyncGenerator[asr_pb2.TranscribeResponse, None]) -> AsyncGenerator[str, None]:
    texts: list[str] = []
    async with aclosing(responses):
        async for response in responses:
            if response.HasField("segment"):
                delta = response.segment.text if not texts else f" {response.segment.text}"
                texts.append(response.segment.text)
                yield _event({"type": "transcript.text.delta", "delta": delta})
    yield _event({"type": "transcript.text.done", "text": " ".join(texts)})


def _event(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n"


def _whole(responses: list[asr_pb2.TranscribeResponse], wanted: TranscriptionRequest) -> Response:
    segments = [response.segment for response in responses if response.HasField("segment")]
    text = " ".join(segment.text for segment in segments)
    match wanted.response_format:
        case "json":
            return JSONResponse({"text": text})
        case "text":
            return PlainTextResponse(f"{text}\n")
        case "srt":
            return PlainTextResponse(srt(_subtitles(segments)))
        case "vtt":
            return PlainTextResponse(vtt(_subtitles(segments)), media_type="text/vtt")
        case "verbose_json":
            found = next((response.done.language for response in responses if response.HasField("done")), "")
            language = found or wanted.language or language_by_script(text)
            return JSONResponse(_verbose(segments, text, language, words="word" in wanted.granularities))


def _verbose(segments: list[asr_pb2.TranscribedSegment], text: str, language: str, *, words: bool) -> dict[str, Any]:
    verbose: dict[str, Any] = {
        "task": "transcribe",
        "language": language,
        "duration": _seconds(segments[-1].end_sample) if segments else 0.0,
        "text": text,
        "segments": [
            {"id": i, "start": _seconds(part.start_sample), "end": _seconds(part.end_sample), "text": part.text}
            for i, part in enumerate(segments)
        ],
    }
    if words:
        verbose["words"] = [
            {"word": word.text, "start": _seconds(word.start_sample), "end": _seconds(word.end_sample)}
            for part in segments
            for word in part.words
        ]
    return verbose


def _subtitles(segments: list[asr_pb2.TranscribedSegment]) -> list[Subtitle]:
    return [
        subtitle
        for part in segments
        for subtitle in cut(part.text, part.words, part.start_sample, part.end_sample, SPEECH_RATE_HZ)
    ]


def _seconds(sample: int) -> float:
    return round(sample / SPEECH_RATE_HZ, 3)
