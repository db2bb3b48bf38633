"""A channel that is opened anew when what it shows of itself has changed; calls that run end on the old one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import grpc

_GRACE_S = 3600.0
"""How long a call may go on over a connection that was made with an older certificate."""


class RenewedChannel(grpc.aio.Channel):
    """Opens a channel with `open_`, and another one each time that `version` gives another object."""

    def __init__(self, open_: Callable[[], grpc.aio.Channel], version: Callable[[], object]) -> None:
        self._open, self._version = open_, version
        self._opened_with, self._channel = version(), open_()
        self._closing: set[asyncio.Task[None]] = set()

    def unary_unary(self, method: str, *codecs: Any, **named: Any) -> Any:  # noqa: ANN401, D102 - gRPC's own
        return self._calling("unary_unary", method, codecs, named)

    def unary_stream(self, method: str, *codecs: Any, **named: Any) -> Any:  # noqa: ANN401, D102
        return self._calling("unary_stream", method, codecs, named)

    def stream_unary(self, method: str, *codecs: Any, **named: Any) -> Any:  # noqa: ANN401, D102
        return self._calling("stream_unary", method, codecs, named)

    def stream_stream(self, method: str, *codecs: Any, **named: Any) -> Any:  # noqa: ANN401, D102
        return self._calling("stream_stream", method, codecs, named)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        """Of the newest channel."""
        return self._newest().get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Of the newest channel."""
        await self._newest().wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """Of the newest channel."""
        await self._newest().channel_ready()

    async def close(self, grace: float | None = None) -> None:
        """Closes all."""
        for task in self._closing:
            task.cancel()
        await asyncio.gather(*self._closing, return_exceptions=True)
        await self._channel.close(grace)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _calling(self, kind: str, method: str, codecs: tuple[Any, ...], named: dict[str, Any]) -> Callable[..., Any]:
        """A stub's method: stubs are made once, so each call looks for the channel of that moment."""

        def call(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401
            return getattr(self._newest(), kind)(method, *codecs, **named)(*arguments, **options)

        return call

    def _newest(self) -> grpc.aio.Channel:
        if (version := self._version()) is not self._opened_with:
            older, self._channel, self._opened_with = self._channel, self._open(), version
            task = asyncio.ensure_future(older.close(_GRACE_S))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
        return self._channel
