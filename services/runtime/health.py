"""grpc.health.v1 for a model server: "" and the service's full name give readiness, "liveness" gives liveness."""

from __future__ import annotations

import asyncio
from typing import Any, TypeAlias

import grpc
from grpc_health.v1 import health, health_pb2

from services.base.names import ENGINE_METADATA_KEY, FALLBACK_METADATA_KEY, LIVENESS, PROBLEM_METADATA_KEY

_LONGEST_PROBLEM = 1000  # metadata of more than 8 KiB is refused

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class _Told:
    """What a watcher was told last."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.status: int | None = None

    async def write(self, response: health_pb2.HealthCheckResponse) -> None:
        self.status = response.status
        await self._context.write(response)


class Health(health.aio.HealthServicer):  # type: ignore[misc]
    """The library's servicer, plus List, NOT_SERVING at the start, and watches that end with the server."""

    def __init__(self, service: str) -> None:
        """`service` is the full name, such as "vigent.tts.v1.TtsService"."""
        super().__init__()
        self.identity = ""
        """As of `engine_identity`; empty where there is no engine."""
        self._told: dict[str, str] = {}
        self._draining = False
        self._readiness_names = ("", service)
        self._server_status.update(dict.fromkeys(self._readiness_names, _NOT_SERVING))
        self._server_status[LIVENESS] = _SERVING
        self._closed = asyncio.Event()

    async def Check(  # noqa: N802
        self, request: health_pb2.HealthCheckRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> health_pb2.HealthCheckResponse:
        """The state of a name; its metadata says which engine is behind the service, and why not the one asked for."""
        if self.identity:
            await context.send_initial_metadata(((ENGINE_METADATA_KEY, self.identity),))
        if self._told:
            context.set_trailing_metadata(tuple(self._told.items()))
        return await super().Check(request, context)

    async def List(  # noqa: N802
        self, _request: health_pb2.HealthListRequest, _context: Context
    ) -> health_pb2.HealthListResponse:
        """All names with their states."""
        statuses = self._server_status.items()
        return health_pb2.HealthListResponse(
            statuses={name: health_pb2.HealthCheckResponse(status=status) for name, status in statuses}
        )

    async def Watch(  # noqa: N802
        self, request: health_pb2.HealthCheckRequest, context: Context
    ) -> None:
        """Reports every change; ends when the server stops, which would otherwise wait for the whole grace period."""
        told = _Told(context)
        watch = asyncio.ensure_future(super().Watch(request, told))
        closed = asyncio.ensure_future(self._closed.wait())
        try:
            await asyncio.wait({watch, closed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            watch.cancel()
            closed.cancel()
            await asyncio.gather(watch, closed, return_exceptions=True)
        status = self._server_status.get(request.service, told.status)
        if status != told.status:  # it was set just as the watch ended
            await context.write(health_pb2.HealthCheckResponse(status=status))

    async def publish(self, *, ready: bool, live: bool, problem: str = "", missing: str = "") -> None:
        """Sets the states; `problem` says why the engine cannot be loaded, `missing` why another one stands in."""
        told = {PROBLEM_METADATA_KEY: _ascii_line(problem), FALLBACK_METADATA_KEY: _ascii_line(missing)}
        self._told = {key: line for key, line in told.items() if line}
        for name in self._readiness_names:
            await self.set(name, _SERVING if ready and not self._draining else _NOT_SERVING)
        await self.set(LIVENESS, _SERVING if live else _NOT_SERVING)

    async def turn_away(self) -> None:
        """Not ready from here on, whatever is published. Still live, or the server would be killed amid its calls."""
        self._draining = True
        for name in self._readiness_names:
            await self.set(name, _NOT_SERVING)

    def close(self) -> None:
        """Ends all watches."""
        self._closed.set()


def _ascii_line(text: str) -> str:
    return " ".join(text.split()).encode("ascii", "backslashreplace").decode()[:_LONGEST_PROBLEM]
