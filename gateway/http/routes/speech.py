"""OpenAI's door to the voice: POST /v1/audio/speech, streamed while it is spoken."""

from __future__ import annotations

import struct
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import Literal

import numpy as np
from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from gateway.fields import Text
from gateway.http.context import Gateway, GatewayDep
from gateway.http.problems import PROBLEM_RESPONSES
from services.base.errors import InvalidInputError
from services.media.pcm import PcmResampler
from services.text.plain_text import checked_text
from services.text.sentences import FIELD, split_script
from vigent.tts.v1 import tts_pb2
from vigent.tts.v1.tts_pb2_grpc import TtsServiceStub

router = APIRouter(prefix="/v1/audio", tags=["OpenAI-compatible"], responses=PROBLEM_RESPONSES)

OPENAI_PCM_RATE_HZ = 24_000  # what clients of the "pcm" format expect
_LONGEST_INPUT = 4_096  # as OpenAI has it
_ENDLESS = 0xFFFFFFFF  # length of a WAV that is still being written


class SpeechRequest(BaseModel):
    """What to say."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"model": "vigent", "input": "你好，hello.", "response_format": "wav"}]},
    )

    model: str = Field("vigent", description="Taken for compatibility; the mesh has one voice engine.")
    input: Text = Field(description="The text.", min_length=1, max_length=_LONGEST_INPUT)
    voice: Text = Field("", description="Id of a voice from /api/v1/voices; empty for the default voice.")
    response_format: Literal["wav", "pcm"] = Field("wav", description="WAV, or 24 kHz 16-bit mono PCM.")
    speed: float = Field(1.0, description="0.5 to 2.0.", gt=0)
    instructions: str = Field("", description="Taken for compatibility; has no effect.")
    stream_format: Literal["audio"] = Field("audio", description="Sound as it is made.")


@router.post(
    "/speech",
    summary="Speak",
    response_class=StreamingResponse,
    responses={200: {"content": {"audio/wav": {}, "audio/pcm": {}}}},
)
async def speak(request: SpeechRequest, gateway: GatewayDep) -> Response:
    """Speaks the text; the first samples leave before the last are made."""
    speech = _Speech(gateway, request)
    samples = speech.samples()
    first = await anext(samples)  # an error until here is an error of this request
    body = _wav if request.response_format == "wav" else _openai_pcm
    return StreamingResponse(body(first, samples, speech.rate_hz), media_type=f"audio/{request.response_format}")


@contextmanager
def _about_the_input() -> Iterator[None]:
    """Names the text as OpenAI does, whoever refuses it."""
    try:
        yield
    except InvalidInputError as error:
        field = "input" if error.field in {FIELD, "text"} else error.field
        raise InvalidInputError(error.problem, error.remedy, field, error.reason) from error


class _Speech:
    """Sentences spoken one after the other; `rate_hz` is known with the first samples."""

    def __init__(self, gateway: Gateway, request: SpeechRequest) -> None:
        """Raises InvalidInputError for a text that no voice takes, before any of it is spoken."""
        self._gateway, self._request = gateway, request
        with _about_the_input():
            self._parts = [checked_text(sentence.text, "text") for sentence in split_script(request.input)]
        self.rate_hz = 0

    async def samples(self) -> AsyncGenerator[bytes, None]:
        """The samples as they come, 16-bit mono."""
        for text in self._parts:
            async for response in self._spoken(text):
                match response.WhichOneof("event"):
                    case "accepted":
                        self.rate_hz = response.accepted.format.sample_rate_hz
                    case "audio":
                        yield response.audio.data

    async def _spoken(self, text: str) -> AsyncGenerator[tts_pb2.SynthesizeResponse, None]:
        message = tts_pb2.SynthesizeRequest(text=text, voice=self._request.voice, speed=self._request.speed)
        call = TtsServiceStub(self._gateway.tts).Synthesize(message, timeout=self._gateway.settings.speech_timeout_s)
        try:
            with _about_the_input(), self._gateway.calling("tts"):
                async for response in call:
                    yield response
        finally:
            call.cancel()


async def _wav(first: bytes, rest: AsyncGenerator[bytes, None], rate_hz: int) -> AsyncGenerator[bytes, None]:
    yield wav_header(rate_hz) + first
    async for data in rest:
        yield data


async def _openai_pcm(first: bytes, rest: AsyncGenerator[bytes, None], rate_hz: int) -> AsyncGenerator[bytes, None]:
    resampler = PcmResampler(rate_hz, OPENAI_PCM_RATE_HZ)
    yield resampler.more(np.frombuffer(first, "<i2")).tobytes()
    async for data in rest:
        yield resampler.more(np.frombuffer(data, "<i2")).tobytes()
    yield resampler.rest().tobytes()


def wav_header(rate_hz: int) -> bytes:
    """Header of a 16-bit mono WAV whose length is not known yet."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate_hz, rate_hz * 2, 2, 16)
    return struct.pack("<4sI4s", b"RIFF", _ENDLESS, b"WAVE") + form + struct.pack("<4sI", b"data", _ENDLESS)
