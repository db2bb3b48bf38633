"""A small voice server: the runtime with the least possible servicer. `python -m tests.services.runtime.tones`."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import aclosing

import grpc

from services.runtime.convert import progress_message
from services.runtime.media import MediaStore
from services.runtime.progress import ProgressSnapshot
from services.runtime.server import ServiceSpec, serve
from services.runtime.worker import Worker
from services.tts.engine import Finish, Speech, Synthesis, WordMark
from vigent.media.v1 import media_pb2
from vigent.tts.v1 import tts_pb2, tts_pb2_grpc


class Servicer(tts_pb2_grpc.TtsServiceServicer):
    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def Synthesize(
        self, request: tts_pb2.SynthesizeRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[tts_pb2.SynthesizeResponse]:
        synthesis = Synthesis(request.text, voice=request.voice)
        async with self._worker.call("synthesize", synthesis) as call, aclosing(call.events()) as events:
            yield tts_pb2.SynthesizeResponse(accepted=tts_pb2.SynthesizeAccepted(accepted=call.accepted))
            async for event in events:
                yield response_of(event)

    async def ListVoices(
        self, request: tts_pb2.ListVoicesRequest, context: grpc.aio.ServicerContext
    ) -> tts_pb2.ListVoicesResponse:
        if request.language == "broken":
            raise KeyError("secret internals of the servicer")
        voices = [tts_pb2.Voice(id=voice.id, name=voice.name) for voice in self._worker.attributes["voices"]]
        return tts_pb2.ListVoicesResponse(voices=voices)


def response_of(event: object) -> tts_pb2.SynthesizeResponse:
    match event:
        case ProgressSnapshot():
            return tts_pb2.SynthesizeResponse(progress=progress_message(event))
        case Speech():
            return tts_pb2.SynthesizeResponse(audio=media_pb2.AudioChunk(data=event.pcm.tobytes()))
        case WordMark():
            return tts_pb2.SynthesizeResponse(mark=media_pb2.Word(char_start=event.char_start))
        case Finish():
            return tts_pb2.SynthesizeResponse(done=tts_pb2.SynthesizeDone())
    raise TypeError(event)


SPEC = ServiceSpec(
    name="tts",
    full_name="vigent.tts.v1.TtsService",
    engines={"knobs": "tests.knobs.tts:KnobsTts"},
    default_engine="knobs",
    add=lambda server, worker, store: tts_pb2_grpc.add_TtsServiceServicer_to_server(Servicer(worker), server),
    attributes=("voices", "sample_rate_hz"),
)

if __name__ == "__main__":
    sys.exit(serve(SPEC))
