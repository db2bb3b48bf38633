"""Around every RPC: refuses malformed and late requests, turns errors into status codes, counts calls."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager, suppress
from functools import partial
from typing import Any, NoReturn, TypeAlias

import grpc
from google.protobuf.message import DecodeError, Message

from services.base.deadline import set_time_left_s
from services.base.errors import DeadlineExceededError, InternalError, InvalidInputError, VigentError
from services.base.status import code_of, trailers_of
from services.base.tracing.spans import TRACEPARENT, continued, span
from services.runtime.metrics import ServerMetrics
from services.runtime.running_calls import RunningCalls

_LOG = logging.getLogger(__name__)
_MALFORMED = object()
_DRAIN_S, _PAUSE_S = 2.0, 0.25
_WIRE_GRAIN_S = 0.001  # timeouts travel in whole milliseconds: an expired one arrives with up to this much left
_WIRE_SHARE = 0.02  # gRPC rounds a timeout up by as much as 1 %, and it counts here from when it arrives

Requests = object | AsyncIterable[object]  # one message, or the caller's stream of them

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Unary = Callable[[Any, Context], Awaitable[Message]]
Stream = Callable[[Any, Context], AsyncGenerator[Message]]
Details = grpc.HandlerCallDetails


class RpcGuard(grpc.aio.ServerInterceptor):
    """The one place where errors become gRPC codes. Streaming servicer methods must be async generators."""

    def __init__(self, metrics: ServerMetrics, service: str) -> None:
        """`service` is the full name; RPCs of other services (health, reflection) are only read strictly."""
        self._metrics, self._prefix = metrics, f"/{service}/"
        self.calls = RunningCalls()

    async def intercept_service(
        self, continuation: Callable[[Details], Awaitable[Handler | None]], details: Details
    ) -> Handler | None:
        """Wraps the handler of a method."""
        handler = await continuation(details)
        if handler is None:
            return None
        if not details.method.startswith(self._prefix):
            return _wrapped(handler, _strict_unary, _strict_stream)
        method = details.method.removeprefix(self._prefix)
        return _wrapped(handler, partial(self._unary, method), partial(self._stream, method))

    def _unary(self, method: str, behavior: Unary) -> Unary:
        async def guarded(request: Requests, context: Context) -> Message:
            request = _patient(request)
            try:
                with self._counted(context, method), self.calls.one():
                    return await behavior(_checked(request), context)
            except VigentError as error:
                await _drain_requests(request)
                await _abort(context, error)

        return guarded

    def _stream(self, method: str, behavior: Stream) -> Callable[[Any, Context], Awaitable[None]]:
        # Writing, not yielding: a cancelled call then closes the servicer's generator at once, not when collected.
        async def guarded(request: Requests, context: Context) -> None:
            request = _patient(request)
            try:
                with self._counted(context, method), self.calls.one():
                    async with aclosing(behavior(_checked(request), context)) as responses:
                        async for response in responses:
                            await _write(context, response)
            except VigentError as error:
                await _drain_requests(request)
                await _abort(context, error)

        return guarded

    @contextmanager
    def _counted(self, context: Context, method: str) -> Iterator[None]:
        name = f"{self._metrics.service} {method}"
        with continued(_traceparent(context)), span(name, kind="server"), self._timed(context, method):
            yield

    @contextmanager
    def _timed(self, context: Context, method: str) -> Iterator[None]:
        started_s = time.monotonic()
        code = grpc.StatusCode.OK
        time_left_s = context.time_remaining()
        try:
            _refuse_late(context)
            set_time_left_s(time_left_s)
            yield
        except VigentError as error:
            code = code_of(error)
            raise
        except (asyncio.CancelledError, GeneratorExit):
            gave_up = _late(context, _WIRE_SHARE * (time_left_s or 0))
            code = grpc.StatusCode.DEADLINE_EXCEEDED if gave_up else grpc.StatusCode.CANCELLED
            raise
        except Exception as error:
            code = grpc.StatusCode.INTERNAL
            _LOG.exception("%s failed", method)
            raise InternalError("The server failed.", "See its log.") from error
        finally:
            seconds = time.monotonic() - started_s
            self._metrics.request_ended(method, code.name, seconds)
            _LOG.info("%s ended with %s after %.3f s", method, code.name, seconds)


def _wrapped(
    handler: Handler,
    unary: Callable[[Unary], Unary],
    stream: Callable[[Stream], Callable[[Any, Context], Awaitable[None]]],
) -> Handler:
    codecs = _tolerant(handler.request_deserializer), handler.response_serializer
    behaviors: Any = handler  # typed for servers that are not asynchronous
    match handler.request_streaming, handler.response_streaming:
        case False, False:
            return grpc.unary_unary_rpc_method_handler(unary(behaviors.unary_unary), *codecs)
        case True, False:
            return grpc.stream_unary_rpc_method_handler(unary(behaviors.stream_unary), *codecs)
        case False, True:
            return grpc.unary_stream_rpc_method_handler(stream(behaviors.unary_stream), *codecs)
        case _:
            return grpc.stream_stream_rpc_method_handler(stream(behaviors.stream_stream), *codecs)


def _strict_unary(behavior: Unary) -> Unary:
    """For methods of the library, which answers UNKNOWN to what it cannot read, with the name of a Python exception."""

    async def strict(request: Requests, context: Context) -> Message:
        try:
            return await behavior(_checked(request), context)
        except VigentError as error:
            await _abort(context, error)

    return strict


def _strict_stream(behavior: Callable[[Any, Context], object]) -> Callable[[Any, Context], Awaitable[None]]:
    """The same for those that yield their answers, or write them themselves."""

    async def strict(request: Requests, context: Context) -> None:
        request = _patient(request)
        try:
            answers = behavior(_checked(request), context)
            if isinstance(answers, Awaitable):
                await answers
                return
            assert isinstance(answers, AsyncGenerator)
            async with aclosing(answers):
                async for answer in answers:
                    await _write(context, answer)
        except VigentError as error:
            await _drain_requests(request)
            await _abort(context, error)

    return strict


def _tolerant(deserialize: Callable[[bytes], Message] | None) -> Callable[[bytes], object]:
    """By default the library answers UNKNOWN, with the name of a Python exception."""
    assert deserialize is not None

    def tolerant(data: bytes) -> object:
        try:
            return deserialize(data)
        except DecodeError:
            return _MALFORMED

    return tolerant


class _PatientStream:
    """A caller's stream whose reads go on when their waiter is cancelled; in grpc.aio that would end the stream."""

    def __init__(self, requests: AsyncIterable[object]) -> None:
        self._requests = aiter(requests)
        self._read: asyncio.Future[object] | None = None

    def __aiter__(self) -> AsyncIterator[object]:
        return self

    async def __anext__(self) -> object:
        if self._read is None:
            self._read = asyncio.ensure_future(anext(self._requests))
            self._read.add_done_callback(_retrieve_exception)
        await asyncio.wait([self._read])
        read, self._read = self._read, None
        return read.result()


def _retrieve_exception(read: asyncio.Future[object]) -> None:
    """Keeps asyncio from logging the failure of a read that nobody awaits any more."""
    if not read.cancelled():
        read.exception()


def _patient(request: Requests) -> Requests:
    return _PatientStream(request) if isinstance(request, AsyncIterable) else request


def _checked(request: Requests) -> Requests:
    """The request or stream of requests; a malformed one raises InvalidInputError."""
    return _checked_stream(request) if isinstance(request, AsyncIterable) else _checked_message(request)


async def _checked_stream(requests: AsyncIterable[object]) -> AsyncIterator[object]:
    async for request in requests:
        yield _checked_message(request)


def _checked_message(request: object) -> object:
    if request is _MALFORMED:
        raise InvalidInputError(
            "The message cannot be decoded.", "Send the protobuf message that the method takes.", reason="MALFORMED"
        )
    return request


def _traceparent(context: Context) -> str | None:
    return next((str(value) for key, value in context.invocation_metadata() or () if key == TRACEPARENT), None)


def _late(context: Context, grain_s: float = _WIRE_GRAIN_S) -> bool:
    remaining_s = context.time_remaining()
    return remaining_s is not None and remaining_s <= max(grain_s, _WIRE_GRAIN_S)


def _refuse_late(context: Context) -> None:
    if _late(context):
        raise DeadlineExceededError("The deadline had passed before the work began.", "Allow more time.")


async def _write(context: Context, response: Message) -> None:
    try:
        await context.write(response)
    except grpc.aio.InternalError as error:  # the caller has left; this task is about to be cancelled
        raise asyncio.CancelledError from error


async def _drain_requests(request: Requests) -> None:
    """Reads what the caller is still sending: grpc.aio's clients do not see our status when their write fails."""
    if isinstance(request, AsyncIterable):
        rest = aiter(request)
        with suppress(TimeoutError, StopAsyncIteration, grpc.aio.UsageError):
            async with asyncio.timeout(_DRAIN_S):
                while await _received(rest):
                    pass


async def _received(rest: AsyncIterator[object]) -> bool:
    """Whether another message came. Tries twice: if the process was paused, a wait times out without reading."""
    for _ in range(2):
        with suppress(TimeoutError):
            await asyncio.wait_for(anext(rest), _PAUSE_S)
            return True
    return False


async def _abort(context: Context, error: VigentError) -> NoReturn:
    await context.abort(code_of(error), str(error), trailers_of(error))
