"""Keeps other users of the machine out of a server on loopback, whatever they call."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, TypeAlias
from urllib.parse import unquote

import grpc

from services.base.errors import UnauthenticatedError
from services.base.secure.peers import Place, is_loopback, is_of_this_user
from services.base.status import code_of, trailers_of

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Details = grpc.HandlerCallDetails

_REMEDY = "Call it as the user who runs it; `vigent up` gives each user a mesh of their own with --port-base 0."


class OwnUserOnly(grpc.aio.ServerInterceptor):
    """Answers UNAUTHENTICATED to calls of other users, at each call: gRPC does not tell of new connections.

    A server that other machines reach is open to this one too: there, certificates and network policies keep strangers
    out.
    """

    def __init__(self, host: str) -> None:
        """`host`: what the server listens on."""
        self._host, self._on_loopback = host, is_loopback(host)
        self.port = 0
        """Where the server listens, once it does."""

    async def intercept_service(
        self, continuation: Callable[[Details], Awaitable[Handler | None]], details: Details
    ) -> Handler | None:
        """Wraps every handler, those of health and reflection too."""
        handler = await continuation(details)
        return self._checked(handler) if handler is not None and self._on_loopback else handler

    def _checked(self, handler: Handler) -> Handler:
        codecs = handler.request_deserializer, handler.response_serializer
        behaviors: Any = handler  # typed for servers that are not asynchronous
        match handler.request_streaming, handler.response_streaming:
            case False, False:
                return grpc.unary_unary_rpc_method_handler(self._awaited(behaviors.unary_unary), *codecs)
            case True, False:
                return grpc.stream_unary_rpc_method_handler(self._awaited(behaviors.stream_unary), *codecs)
            case False, True:
                return grpc.unary_stream_rpc_method_handler(self._streamed(behaviors.unary_stream), *codecs)
            case _:
                return grpc.stream_stream_rpc_method_handler(self._streamed(behaviors.stream_stream), *codecs)

    def _streamed(self, behavior: Callable[[Any, Context], Any]) -> Callable[[Any, Context], Any]:
        return self._iterated(behavior) if inspect.isasyncgenfunction(behavior) else self._awaited(behavior)

    def _awaited(self, behavior: Callable[[Any, Context], Any]) -> Callable[[Any, Context], Any]:
        async def checked(request: Any, context: Context) -> Any:  # noqa: ANN401 - whatever the method takes and gives
            await self._refuse_strangers(context)
            return await behavior(request, context)

        return checked

    def _iterated(self, behavior: Callable[[Any, Context], Any]) -> Callable[[Any, Context], Any]:
        async def checked(request: Any, context: Context) -> AsyncGenerator[Any]:  # noqa: ANN401
            await self._refuse_strangers(context)
            async with aclosing(behavior(request, context)) as responses:
                async for response in responses:
                    yield response

        return checked

    async def _refuse_strangers(self, context: Context) -> None:
        peer = place_of(context.peer())
        here = peer[0] if self._host == "localhost" else self._host  # by that name it listens on several addresses
        if not is_of_this_user(peer, (here, self.port)):
            error = UnauthenticatedError("This server belongs to another user of the machine.", _REMEDY)
            await context.abort(code_of(error), str(error), trailers_of(error))


def place_of(peer: str) -> Place:
    """Where a caller is, from gRPC's "ipv4:127.0.0.1:40000" or "ipv6:%5B::1%5D:40000"."""
    host, _, port = unquote(peer).partition(":")[2].rpartition(":")
    return host.strip("[]"), int(port)
