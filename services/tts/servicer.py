"""The gRPC side of text to speech: checks requests, turns what the engine yields into messages."""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict
from pathlib import Path

import grpc
from numpy import int16
from numpy.typing import NDArray

from services.base.errors import InternalError, InvalidInputError
from services.enginekit.progress import ProgressSnapshot
from services.media.store import MediaStore
from services.runtime.interceptors import Context
from services.runtime.server import ServiceSpec
from services.runtime.worker.call import progress_message
from services.runtime.worker.worker import Worker
from services.text.languages import primary_subtag
from services.text.pauses import pauses_of_ellipses
from services.text.plain_text import checked_text
from services.text.pronunciation_messages import pauses_of, pronunciations_of
from services.tts.canary import CANARY
from services.tts.engine import Finish, FinishReason, Speech, Synthesis, Voice, WordMark
from vigent.media.v1 import media_pb2
from vigent.tts.v1 import tts_pb2, tts_pb2_grpc

SLOWEST, FASTEST = 0.5, 2.0

_CHUNK_SAMPLES = 32 * 1024
"""64 KiB of 16-bit samples: about a second, well below gRPC's limit for a message."""

_FINISH_REASONS = {
    FinishReason.END_OF_TEXT: tts_pb2.FINISH_REASON_END_OF_TEXT,
    FinishReason.LENGTH_CAP: tts_pb2.FINISH_REASON_LENGTH_CAP,
    FinishReason.SILENCE: tts_pb2.FINISH_REASON_SILENCE,
}


class TtsServicer(tts_pb2_grpc.TtsServiceServicer):
    """Serves vigent.tts.v1.TtsService from the engine in `worker`; reference recordings come from `store`."""

    def __init__(self, worker: Worker, store: MediaStore) -> None:
        self._worker = worker
        self._store = store

    async def Synthesize(
        self, request: tts_pb2.SynthesizeRequest, context: Context
    ) -> AsyncIterator[tts_pb2.SynthesizeResponse]:
        """Streams accepted, then progress, audio and marks, then done."""
        del context
        synthesis = self._synthesis(request, await self._recording(request))
        async with self._worker.call("synthesize", synthesis) as call:
            take = _Take(request.text, self._worker.attributes["sample_rate_hz"])
            yield take.accepted(call.accepted)
            async for event in call.events():
                for response in take.responses(event):
                    yield response
                call.media_s = take.samples / take.sample_rate_hz
        yield take.done()

    async def ListVoices(self, request: tts_pb2.ListVoicesRequest, context: Context) -> tts_pb2.ListVoicesResponse:
        """The engine's voices that speak the language asked for."""
        del context
        self._worker.require_engine()
        voices: list[Voice] = self._worker.attributes["voices"]
        fitting = [voice for voice in voices if _speaks(voice, request.language)]
        return tts_pb2.ListVoicesResponse(voices=[tts_pb2.Voice(**asdict(voice)) for voice in fitting])

    async def _recording(self, request: tts_pb2.SynthesizeRequest) -> Path | None:
        """Where the recording lies that the voice is cloned from; its content may have to be checked first."""
        if not request.HasField("reference_audio"):
            return None
        return await asyncio.to_thread(self._store.path, request.reference_audio.sha256, "reference_audio")

    def _synthesis(self, request: tts_pb2.SynthesizeRequest, recording: Path | None) -> Synthesis:
        text = checked_text(request.text, "text")
        pauses = [*pauses_of(request.pauses, text, "pauses"), *pauses_of_ellipses(text)]
        return Synthesis(
            text=text,
            language=request.language,
            voice=request.voice,
            seed=request.seed,
            speed=_checked_speed(request.speed),
            reference_audio=recording,
            reference_text=checked_text(request.reference_text, "reference_text") if request.reference_text else "",
            pronunciations=pronunciations_of(request.pronunciations, text, "pronunciations"),
            pauses=tuple(sorted(pauses, key=lambda pause: pause.char)),
        )


class _Take:
    """One synthesis on its way out: numbers its chunks and adds up its totals."""

    def __init__(self, text: str, sample_rate_hz: int) -> None:
        self.samples = 0
        self.sample_rate_hz = sample_rate_hz
        self._text = text
        self._finish: Finish | None = None
        self._chunks = 0
        self._hash = hashlib.sha256()

    def accepted(self, accepted: media_pb2.Accepted) -> tts_pb2.SynthesizeResponse:
        format_ = media_pb2.AudioFormat(
            encoding=media_pb2.AUDIO_ENCODING_PCM_S16LE, sample_rate_hz=self.sample_rate_hz, channels=1
        )
        return tts_pb2.SynthesizeResponse(accepted=tts_pb2.SynthesizeAccepted(accepted=accepted, format=format_))

    def responses(self, event: object) -> Iterator[tts_pb2.SynthesizeResponse]:
        match event:
            case ProgressSnapshot():
                yield tts_pb2.SynthesizeResponse(progress=progress_message(event))
            case Speech():
                for start in range(0, len(event.pcm), _CHUNK_SAMPLES):
                    yield self._audio(event.pcm[start : start + _CHUNK_SAMPLES])
            case WordMark():
                yield tts_pb2.SynthesizeResponse(mark=self._mark(event))
            case Finish():
                self._finish = event

    def done(self) -> tts_pb2.SynthesizeResponse:
        if self._finish is None:
            raise InternalError("The engine ended without a reason.")
        reason = _FINISH_REASONS[self._finish.reason]
        done = tts_pb2.SynthesizeDone(finish_reason=reason, samples=self.samples, sha256=self._hash.hexdigest())
        return tts_pb2.SynthesizeResponse(done=done)

    def _audio(self, pcm: NDArray[int16]) -> tts_pb2.SynthesizeResponse:
        data = pcm.astype("<i2", copy=False).tobytes()
        chunk = media_pb2.AudioChunk(sequence=self._chunks, first_sample=self.samples, data=data)
        self._chunks += 1
        self.samples += len(pcm)
        self._hash.update(data)
        return tts_pb2.SynthesizeResponse(audio=chunk)

    def _mark(self, mark: WordMark) -> media_pb2.Word:
        """The voice knows where a word starts but not where it ends: `end_sample` is `start_sample`."""
        return media_pb2.Word(
            text=self._text[mark.char_start : mark.char_end],
            char_start=mark.char_start,
            char_end=mark.char_end,
            start_sample=mark.start_sample,
            end_sample=mark.start_sample,
            confidence=1.0,
        )


def _checked_speed(speed: float) -> float:
    if speed == 0:
        return 1.0
    if not math.isfinite(speed) or not SLOWEST <= speed <= FASTEST:
        remedy = f"Give {SLOWEST:g} to {FASTEST:g}; 0 means 1."
        raise InvalidInputError(f"Speed {speed:g} is out of range.", remedy, "speed", "SPEED_OUT_OF_RANGE")
    return speed


def _speaks(voice: Voice, language: str) -> bool:
    """Whether a voice speaks a BCP 47 language, or the same language of another region."""
    return not language or primary_subtag(language) in map(primary_subtag, voice.languages)


def _add(server: grpc.aio.Server, worker: Worker, store: MediaStore) -> None:
    tts_pb2_grpc.add_TtsServiceServicer_to_server(TtsServicer(worker, store), server)


SPEC = ServiceSpec(
    name="tts",
    full_name="vigent.tts.v1.TtsService",
    engines={
        "espeak": "services.tts.espeak:EspeakEngine",
        "kokoro": "services.tts.kokoro.engine:KokoroEngine",
        "qwen3": "services.tts.qwen3.engine:Qwen3Engine",
    },
    default_engine="espeak",
    add=_add,
    canary=CANARY,
    attributes=("sample_rate_hz", "voices"),
)
