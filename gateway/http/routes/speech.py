"""Speech through OpenAI's API: POST /v1/audio/speech, streamed while it is spoken."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from typing import Literal

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from gateway.fields import Text
from gateway.http.context import Gateway, GatewayDep
from gateway.http.openai_voices import LIKELY, engine_voice
from gateway.http.problems import PROBLEM_RESPONSES
from services.base.errors import InvalidInputError
from services.base.tracing.spans import present
from services.text.notation.spoken_marks import FIELD
from services.text.plain_text import checked_text
from services.text.pronunciation_messages import pause_messages, pronunciation_messages
from services.text.sentences import Sentence, language_to_say, split_script
from vigent.tts.v1 import tts_pb2

router = APIRouter(prefix="/v1/audio", tags=["OpenAI-compatible"], responses=PROBLEM_RESPONSES)

OPENAI_PCM_RATE_HZ = 24_000  # what clients of the "pcm" format expect
_LONGEST_INPUT = 4_096  # OpenAI's limit
_ENDLESS = 0xFFFFFFFF  # length of a WAV that is still being written
_SLOWEST, _FASTEST = 0.5, 2.0  # the engines' range; the rest of OpenAI's is reached by stretching here
_MEDIA_TYPES = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}


class SpeechRequest(BaseModel):
    """What to say."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"model": "vigent", "input": "你好，hello.", "response_format": "wav"}]},
    )

    model: str = Field("vigent", description="Ignored: the mesh has one voice engine.")
    input: Text = Field(
        description='The text. May hold pauses, <break time="1s"/>, and readings, [重庆|chóng qìng].',
        min_length=1,
        max_length=_LONGEST_INPUT,
    )
    voice: Text = Field(
        "", description=f"Id of a voice from /api/v1/voices, or {', '.join(LIKELY)}; empty for the default voice."
    )
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] = Field(
        "mp3",
        description="24 kHz mono, but wav has the rate of the voice. Opus comes in Ogg, aac in ADTS, pcm has 16 bits.",
    )
    speed: float = Field(1.0, description="0.25 to 4.", ge=0.25, le=4)
    instructions: Text = Field(
        "", description="How to speak; refused where the voice engine cannot be told.", max_length=_LONGEST_INPUT
    )
    stream_format: Literal["audio", "sse"] = Field(
        "audio", description="The audio itself, or server-sent events that carry it."
    )


@router.post(
    "/speech",
    summary="Speak",
    response_class=StreamingResponse,
    responses={200: {"content": {kind: {} for kind in (*_MEDIA_TYPES.values(), "text/event-stream")}}},
)
async def speak(request: SpeechRequest, gateway: GatewayDep) -> Response:
    """Speaks the text. The response begins while the rest is still being spoken."""
    voice = await _instructed(
        gateway, await engine_voice(gateway, request.voice, request.input), request.instructions.strip()
    )
    speech = _Speech(gateway, request, voice)
    samples = await _begun(speech.samples())
    sound = await _begun(_formatted(gateway, request, samples, speech.rate_hz))
    if request.stream_format == "sse":
        return StreamingResponse(_events(sound), media_type="text/event-stream")
    return StreamingResponse(sound, media_type=_MEDIA_TYPES[request.response_format])


async def _instructed(gateway: Gateway, voice: str, instructions: str) -> str:
    """The voice and how it is to speak, as engines take it: behind a colon.

    Raises InvalidInputError where the engine is known not to follow instructions.
    """
    if not instructions:
        return voice
    replicas = (await gateway.mesh.service("tts")).replicas
    able = [replica.capabilities.follows_instructions for replica in replicas if replica.capabilities]
    if able and not any(able):
        problem = f"The voice engine {replicas[0].engine} cannot be told how to speak."
        raise InvalidInputError(problem, "Leave the instructions out.", "instructions", "NO_INSTRUCTIONS")
    name, _, own = (part.strip() for part in voice.partition(":"))
    return f"{name}: {'; '.join(filter(None, (own, instructions)))}"


async def _begun(stream: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """The same stream once its first part is there: an earlier error can still fail the request."""
    first = await anext(stream)

    async def whole() -> AsyncGenerator[bytes, None]:
        async with aclosing(stream):
            yield first
            async for part in stream:
                yield part

    return whole()


def _formatted(
    gateway: Gateway, request: SpeechRequest, samples: AsyncGenerator[bytes, None], rate_hz: int
) -> AsyncGenerator[bytes, None]:
    within = min(max(request.speed, _SLOWEST), _FASTEST)
    if request.speed != within:
        samples = _stretched(samples, request.speed / within, rate_hz)
    match request.response_format:
        case "wav":
            return _wav(samples, rate_hz)
        case "pcm":
            return _openai_pcm(samples, rate_hz)
        case encoded:
            return gateway.encoders.encoded(_openai_pcm(samples, rate_hz), encoded, OPENAI_PCM_RATE_HZ)


async def _events(sound: AsyncGenerator[bytes, None]) -> AsyncGenerator[str, None]:
    """Server-sent events in OpenAI's form; tokens are not counted here."""
    async with aclosing(sound):
        async for data in sound:
            yield _event({"type": "speech.audio.delta", "audio": base64.b64encode(data).decode()})
    usage = dict.fromkeys(("input_tokens", "output_tokens", "total_tokens"), 0)
    yield _event({"type": "speech.audio.done", "usage": usage})


def _event(data: dict[str, object]) -> str:
    return f"data: {json.dumps(data)}\n\n"


@contextmanager
def _about_the_input() -> Iterator[None]:
    """Makes errors about the text name it as OpenAI does, whoever raises them."""
    try:
        yield
    except InvalidInputError as error:
        field = "input" if error.field in {FIELD, "text"} else error.field
        raise InvalidInputError(error.problem, error.remedy, field, error.reason) from error


class _Speech:
    """Sentences spoken one after the other; `rate_hz` is known with the first samples."""

    def __init__(self, gateway: Gateway, request: SpeechRequest, voice: str) -> None:
        """Raises InvalidInputError for a text that no voice accepts, before any of it is spoken."""
        self._gateway, self._voice, self._script = gateway, voice, request.input
        self._speed = min(max(request.speed, _SLOWEST), _FASTEST)
        with _about_the_input():
            self._sentences = split_script(request.input)
            for sentence in self._sentences:
                checked_text(sentence.text, "text")
        self.rate_hz = 0

    async def samples(self) -> AsyncGenerator[bytes, None]:
        """The samples as they come, 16-bit mono."""
        for sentence in self._sentences:
            async for response in self._spoken(sentence):
                match response.WhichOneof("event"):
                    case "accepted":
                        self.rate_hz = response.accepted.format.sample_rate_hz
                    case "audio":
                        yield response.audio.data

    async def _spoken(self, sentence: Sentence) -> AsyncGenerator[tts_pb2.SynthesizeResponse, None]:
        told = self._gateway.dictionary.pronunciations(sentence.text, sentence.pronunciations)
        message = tts_pb2.SynthesizeRequest(
            text=sentence.text,
            language=language_to_say(sentence.text, "", self._script),
            voice=self._voice,
            speed=self._speed,
            pronunciations=pronunciation_messages(told),
            pauses=pause_messages(sentence.pauses),
        )
        call = self._gateway.tts.Synthesize(
            message, timeout=self._gateway.settings.speech_timeout_s, metadata=present().metadata
        )
        try:
            with _about_the_input(), self._gateway.calling("tts"):
                async for response in call:
                    yield response
        finally:
            call.cancel()


async def _stretched(samples: AsyncGenerator[bytes, None], speed: float, rate_hz: int) -> AsyncGenerator[bytes, None]:
    import numpy as np  # for those who ask for another speed or rate

    from services.media.speech.stretch import TimeStretch

    stretch = TimeStretch(speed, rate_hz)
    async with aclosing(samples):
        async for data in samples:
            if len(ready := stretch.push(np.frombuffer(data, "<i2"))):
                yield ready.tobytes()
    yield stretch.flush().tobytes()


async def _wav(samples: AsyncGenerator[bytes, None], rate_hz: int) -> AsyncGenerator[bytes, None]:
    header = wav_header(rate_hz)
    async with aclosing(samples):
        async for data in samples:
            yield header + data
            header = b""


async def _openai_pcm(samples: AsyncGenerator[bytes, None], rate_hz: int) -> AsyncGenerator[bytes, None]:
    import numpy as np

    from services.media.pcm import PcmResampler

    resampler = PcmResampler(rate_hz, OPENAI_PCM_RATE_HZ)
    async with aclosing(samples):
        async for data in samples:
            yield resampler.more(np.frombuffer(data, "<i2")).tobytes()
    yield resampler.rest().tobytes()


def wav_header(rate_hz: int) -> bytes:
    """Header of a 16-bit mono WAV whose length is not known yet."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate_hz, rate_hz * 2, 2, 16)
    return struct.pack("<4sI4s", b"RIFF", _ENDLESS, b"WAVE") + form + struct.pack("<4sI", b"data", _ENDLESS)
