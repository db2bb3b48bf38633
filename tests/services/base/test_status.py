"""Errors over a real connection: what the servicer raises is what the client gets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from prometheus_client import generate_latest

from services.base import errors
from services.base.client import remote_errors
from services.base.errors import (
    ExhaustedError,
    FailedPreconditionError,
    InternalError,
    InvalidInputError,
    UnavailableError,
    VigentError,
)
from services.runtime.interceptors import RpcGuard
from services.runtime.metrics import ServerMetrics
from tests.support.servers import TTS, poll
from vigent.asr.v1 import asr_pb2, asr_pb2_grpc
from vigent.media.v1 import media_pb2
from vigent.tts.v1 import tts_pb2, tts_pb2_grpc

ERRORS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, VigentError)]


class Raising(tts_pb2_grpc.TtsServiceServicer):
    """Raises `error` in every method; a stream has sent one message before."""

    error: Exception = InternalError("")

    async def ListVoices(self, request, context):  # noqa: N802
        raise self.error

    async def Synthesize(self, request, context):  # noqa: N802
        yield tts_pb2.SynthesizeResponse()
        raise self.error


class Counting(asr_pb2_grpc.AsrServiceServicer):
    """Answers every message of the stream."""

    async def Transcribe(self, requests, context):  # noqa: N802
        async for _ in requests:
            yield asr_pb2.TranscribeResponse()


class Flooding(tts_pb2_grpc.TtsServiceServicer):
    """Sends without end, more than any caller reads."""

    async def Synthesize(self, request, context):  # noqa: N802
        while True:
            yield tts_pb2.SynthesizeResponse(audio=media_pb2.AudioChunk(data=bytes(2**20)))


class Leaving(asr_pb2_grpc.AsrServiceServicer):
    """Fails while it waits for the caller's next message, as a call does whose engine fails."""

    def __init__(self, standstill_s: float) -> None:
        self.left = asyncio.Event()
        self._standstill_s = standstill_s

    async def Transcribe(self, requests, context):  # noqa: N802
        yield asr_pb2.TranscribeResponse()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(requests), 0.1)
        asyncio.get_running_loop().call_soon(time.sleep, self._standstill_s)
        self.left.set()
        raise FailedPreconditionError("No.", "Do not.")


@pytest.fixture
async def raising() -> AsyncIterator[tuple[Raising, tts_pb2_grpc.TtsServiceStub, ServerMetrics]]:
    metrics = ServerMetrics("tts")
    server = grpc.aio.server(interceptors=[RpcGuard(metrics, TTS)])
    servicer = Raising()
    tts_pb2_grpc.add_TtsServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield servicer, tts_pb2_grpc.TtsServiceStub(channel), metrics
    await server.stop(None)


@pytest.mark.parametrize("kind", [kind for kind in ERRORS if kind is not VigentError])
async def test_error_arrives_whole(raising, kind: type[VigentError]) -> None:
    servicer, stub, _ = raising
    servicer.error = kind("„Größe“ ist falsch: 说话\n%", "Do that.", "spec.size", "SOME_REASON", 1.25)
    with pytest.raises(VigentError) as caught, remote_errors():
        await stub.ListVoices(tts_pb2.ListVoicesRequest(), timeout=30)
    assert type(caught.value) is kind
    assert caught.value == servicer.error
    with pytest.raises(VigentError) as caught, remote_errors():
        async for _ in stub.Synthesize(tts_pb2.SynthesizeRequest(), timeout=30):
            pass
    assert caught.value == servicer.error


async def test_other_clients_find_the_standard_details(raising) -> None:
    servicer, stub, _ = raising
    servicer.error = ExhaustedError("Full.", "Wait.", "queue", retry_after_s=0.3)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.ListVoices(tts_pb2.ListVoicesRequest(), timeout=30)
    trailers = dict(caught.value.trailing_metadata())
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    info, request, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
    assert [packed.Unpack(detail) for packed, detail in zip(status.details, (info, request, retry), strict=True)]
    assert (info.domain, info.reason, info.metadata["remedy"]) == ("vigent", "EXHAUSTED", "Wait.")
    assert (request.field_violations[0].field, request.field_violations[0].description) == ("queue", "Full.")
    assert retry.retry_delay.ToMilliseconds() == 300
    assert trailers["grpc-retry-pushback-ms"] == "300"
    assert caught.value.details() == "queue: Full. Wait."


async def test_fault_of_the_servicer_tells_nothing_and_is_logged(raising, caplog: pytest.LogCaptureFixture) -> None:
    servicer, stub, metrics = raising
    servicer.error = KeyError("secret")
    for call in (
        stub.ListVoices(tts_pb2.ListVoicesRequest(), timeout=30),
        stub.Synthesize(tts_pb2.SynthesizeRequest()),
    ):
        with pytest.raises(InternalError) as caught, remote_errors():
            await call if isinstance(call, grpc.aio.UnaryUnaryCall) else [_ async for _ in call]
        assert "secret" not in str(caught.value)
    assert "secret" in caplog.text
    text = generate_latest(metrics.registry).decode()
    assert 'vigent_requests_total{code="INTERNAL",method="ListVoices",service="tts"} 1.0' in text
    assert 'vigent_requests_total{code="INTERNAL",method="Synthesize",service="tts"} 1.0' in text


async def test_malformed_message_inside_a_stream_is_refused() -> None:
    name = "vigent.asr.v1.AsrService"
    server = grpc.aio.server(interceptors=[RpcGuard(ServerMetrics("asr"), name)])
    asr_pb2_grpc.add_AsrServiceServicer_to_server(Counting(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.stream_stream(f"/{name}/Transcribe")(iter([b"", b"", b"\xff\xff"]), timeout=30)
        assert [await call.read(), await call.read()] == [b"", b""]
        with pytest.raises(InvalidInputError, match="cannot be decoded"), remote_errors():
            await call.read()
    await server.stop(None)


async def test_caller_who_leaves_while_the_server_stands_still_has_cancelled() -> None:
    """What is just being written fails before the call is known to be cancelled, in about every second round."""
    metrics, rounds = ServerMetrics("tts"), 10
    server = grpc.aio.server(interceptors=[RpcGuard(metrics, TTS)])
    tts_pb2_grpc.add_TtsServiceServicer_to_server(Flooding(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:  # reads on a thread of its own
        for _ in range(rounds):
            call = tts_pb2_grpc.TtsServiceStub(channel).Synthesize(tts_pb2.SynthesizeRequest(), timeout=60)
            await asyncio.to_thread(next, call)
            call.cancel()
            time.sleep(0.2)  # noqa: ASYNC251 - this process stands still
    labels = {"service": "tts", "method": "Synthesize", "code": "CANCELLED"}
    await poll(lambda: metrics.registry.get_sample_value("vigent_requests_total", labels) == rounds)
    await server.stop(None)


@pytest.mark.parametrize("standstill_s", [0, 0.8])
async def test_error_reaches_a_caller_who_is_just_sending(standstill_s: float) -> None:
    """Also when the process stands still meanwhile, as on a crowded machine."""
    server = grpc.aio.server(interceptors=[RpcGuard(ServerMetrics("asr"), "vigent.asr.v1.AsrService")])
    leaving = Leaving(standstill_s)
    asr_pb2_grpc.add_AsrServiceServicer_to_server(leaving, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = asr_pb2_grpc.AsrServiceStub(channel).Transcribe(timeout=30)
        await call.read()
        await leaving.left.wait()
        for _ in range(5):
            await call.write(asr_pb2.TranscribeRequest())
        with pytest.raises(FailedPreconditionError, match="Do not"), remote_errors():
            await call.read()
    await server.stop(None)


@pytest.mark.parametrize(
    ("code", "details", "expected"),
    [
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "Received message larger than max", InvalidInputError),
        (grpc.StatusCode.CANCELLED, "Cancelling all calls", UnavailableError),
        (grpc.StatusCode.UNAVAILABLE, "Connection refused", UnavailableError),
        (grpc.StatusCode.UNIMPLEMENTED, "Method not found", InternalError),
        (grpc.StatusCode.UNKNOWN, "", InternalError),
    ],
)
def test_status_without_our_details_keeps_its_meaning(
    code: grpc.StatusCode, details: str, expected: type[VigentError]
) -> None:
    empty = grpc.aio.Metadata()
    with pytest.raises(VigentError) as caught, remote_errors():
        raise grpc.aio.AioRpcError(code, empty, empty, details)
    assert type(caught.value) is expected


def test_spoiled_details_do_not_hide_the_code() -> None:
    trailers = grpc.aio.Metadata(("grpc-status-details-bin", b"\xff\xff"))
    with pytest.raises(UnavailableError), remote_errors():
        raise grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), trailers, "gone")
