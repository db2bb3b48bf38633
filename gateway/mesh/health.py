"""What the supervisor asks of a process: is it ready, and is it alive. Never how busy it is."""

from __future__ import annotations

import asyncio
import re
import ssl
from contextlib import closing
from typing import Protocol

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.mesh.addresses import service_of
from services.base.direct import SOON_FOUND, direct_channel
from services.base.names import (
    ENGINE_METADATA_KEY,
    FALLBACK_METADATA_KEY,
    FULL_NAMES,
    LIVENESS,
    PROBLEM_METADATA_KEY,
    engine_name,
)
from vigent.runtime.v1 import runtime_pb2, runtime_pb2_grpc

_SERVING = health_pb2.HealthCheckResponse.SERVING
_POLL_S = 0.1
_GOOD = re.compile(r"HTTP/1\.[01] 2\d\d ")
_RESIDENT = re.compile(r"^process_resident_memory_bytes (\S+)$", re.MULTILINE)


class HealthProbe(Protocol):
    """A process that can be asked."""

    async def wait_ready(self) -> None:
        """Returns when it can take work."""

    async def alive(self, timeout_s: float) -> bool:
        """Whether it answers in time that it is alive."""

    async def engine(self, timeout_s: float) -> str:
        """Name of the engine that it runs; empty when it has none."""

    async def problem(self, timeout_s: float) -> str:
        """Why it cannot load its engine; empty when it can, or does not say."""

    async def missing(self, timeout_s: float) -> str:
        """Why another engine stands in for the one asked for; empty when none does, or it does not say."""

    async def memory_bytes(self, timeout_s: float) -> int:
        """Resident memory of the process and its engine; 0 when it does not say."""

    async def close(self) -> None:
        """Closes what it asks through."""


class GrpcProbe:
    """A gRPC server of the mesh."""

    def __init__(self, name: str, address: str) -> None:
        self._channel = direct_channel(address, SOON_FOUND)
        self._stub = health_pb2_grpc.HealthStub(self._channel)
        self._runtime = runtime_pb2_grpc.RuntimeServiceStub(self._channel)
        self._name = FULL_NAMES[service_of(name)]

    async def wait_ready(self) -> None:
        """Follows the health of its service until it serves; a process that is still loading is waited for."""
        while True:
            try:
                request = health_pb2.HealthCheckRequest(service=self._name)
                async for response in self._stub.Watch(request, wait_for_ready=True):
                    if response.status == _SERVING:
                        return
            except grpc.aio.AioRpcError:
                await asyncio.sleep(_POLL_S)

    async def alive(self, timeout_s: float) -> bool:
        """Whether its `liveness` is SERVING."""
        try:
            response = await self._stub.Check(health_pb2.HealthCheckRequest(service=LIVENESS), timeout=timeout_s)
        except grpc.aio.AioRpcError:
            return False
        return bool(response.status == _SERVING)

    async def engine(self, timeout_s: float) -> str:
        """From the metadata of its health."""
        call = self._stub.Check(health_pb2.HealthCheckRequest(service=self._name), timeout=timeout_s)
        try:
            metadata = await call.initial_metadata()
            await call
        except grpc.aio.AioRpcError:
            return ""
        return engine_name(str(metadata.get(ENGINE_METADATA_KEY, "")))

    async def problem(self, timeout_s: float) -> str:
        """From the metadata of its health."""
        return await self._told(PROBLEM_METADATA_KEY, timeout_s)

    async def missing(self, timeout_s: float) -> str:
        """From the metadata of its health."""
        return await self._told(FALLBACK_METADATA_KEY, timeout_s)

    async def memory_bytes(self, timeout_s: float) -> int:
        """As in its status, which metrics and /probe tell, too."""
        try:
            status = await self._runtime.GetStatus(runtime_pb2.GetStatusRequest(), timeout=timeout_s)
        except grpc.aio.AioRpcError:
            return 0
        return int(status.resident_memory_bytes + status.worker_resident_memory_bytes)

    async def close(self) -> None:
        """Closes the channel."""
        await self._channel.close()

    async def _told(self, key: str, timeout_s: float) -> str:
        call = self._stub.Check(health_pb2.HealthCheckRequest(service=self._name), timeout=timeout_s)
        try:
            await call
            return str((await call.trailing_metadata()).get(key, ""))
        except grpc.aio.AioRpcError:
            return ""


class HttpProbe:
    """The gateway, asked in the plainest HTTP: a client's library costs 6 MB of whoever watches."""

    def __init__(self, address: str, scheme: str = "http") -> None:
        self._address = address
        host, _, port = address.rpartition(":")
        self._host, self._port = host.strip("[]"), int(port)
        self._tls = _any_certificate() if scheme == "https" else None

    async def wait_ready(self) -> None:
        """Asks /livez until it answers: its readiness depends on the orchestrator, which is waited for anyway."""
        while not await self.alive(timeout_s=1.0):  # noqa: ASYNC110 - another process cannot set an event
            await asyncio.sleep(_POLL_S)

    async def alive(self, timeout_s: float) -> bool:
        """Whether /livez answers."""
        return _GOOD.match(await self._page("/livez", timeout_s)) is not None

    async def engine(self, timeout_s: float) -> str:  # noqa: ARG002
        """It has none."""
        return ""

    async def problem(self, timeout_s: float) -> str:  # noqa: ARG002
        """It has no engine."""
        return ""

    async def missing(self, timeout_s: float) -> str:  # noqa: ARG002
        """It has no engine."""
        return ""

    async def memory_bytes(self, timeout_s: float) -> int:
        """As in its metrics."""
        found = _RESIDENT.search(await self._page("/metrics", timeout_s))
        return int(float(found[1])) if found else 0

    async def close(self) -> None:
        """No connection stays open."""

    async def _page(self, path: str, timeout_s: float) -> str:
        """Head and body; empty when there is no answer in time."""
        try:
            async with asyncio.timeout(timeout_s):
                reader, writer = await asyncio.open_connection(self._host, self._port, ssl=self._tls)
                with closing(writer):
                    writer.write(f"GET {path} HTTP/1.0\r\nHost: {self._address}\r\n\r\n".encode())
                    return (await reader.read()).decode(errors="replace")
        except OSError:  # a timeout is one, too
            return ""


def _any_certificate() -> ssl.SSLContext:
    """The gateway's is made out to the names that others use, and this asks for a life sign alone."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
