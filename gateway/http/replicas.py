"""The services of the mesh as they are now: what each replica says of its health, its engine and its work."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Literal

import grpc
from google.protobuf.json_format import MessageToDict
from grpc_health.v1 import health_pb2, health_pb2_grpc
from pydantic import BaseModel, Field

from gateway.settings import SERVICES, GatewaySettings
from services.base.direct import SOON_FOUND, direct_channel
from services.base.errors import NotFoundError
from services.base.names import FULL_NAMES
from services.base.resolving import resolve
from vigent.runtime.v1 import runtime_pb2, runtime_pb2_grpc

_FRESH_S = 1.0  # concurrent requests share one look

Health = Literal["SERVING", "NOT_SERVING", "UNREACHABLE"]


class EngineCapabilities(BaseModel):
    """What an engine can do, as it says itself."""

    languages: list[str] = Field([], description="BCP 47 tags; none: it is not bound to any language.")
    clones: bool = Field(False, description="Speaks with the voice of a recording.")
    follows_instructions: bool = Field(False, description="Takes an instruction how to speak.")
    judges_takes: bool = Field(False, description="What it hears is good enough to judge a take by.")
    uses_gpu: bool = Field(False, description="Computes on a GPU where there is one.")
    streams: bool = Field(False, description="Gives its first result before the request is complete.")
    needs_checkpoint: bool = Field(False, description="Works only with a checkpoint.")


class Replica(BaseModel):
    """One server of a service."""

    address: str = Field(description="gRPC address.")
    health: Health = Field(description="What its health service says of the service.")
    engine: str = Field("", description="Name of its engine.")
    device: str = Field("", description="Device that it is told to compute on.")
    checkpoint: str = Field("", description="Name of its checkpoint's folder.")
    capabilities: EngineCapabilities | None = Field(None, description="What its engine can do, once it was loaded.")
    fallback_reason: str = Field("", description="Why this engine stands in for the one asked for; empty: it is that.")
    problem: str = Field("", description="Why its engine cannot be loaded, and what to do.")
    state: str = Field("", description="State of its worker, such as idle, progressing, stalled.")
    stalled: bool = Field(False, description="Whether work is active and made no progress within its budget.")
    progress_age_s: float | None = Field(None, description="Seconds since its engine gave a sign of progress.")
    stall_budget_s: float | None = Field(
        None, description="Seconds without progress that are too many; while it waits for a caller, that one's."
    )
    active_requests: int | None = Field(None, description="Calls that its engine works on.")
    queue_depth: int | None = Field(None, description="Calls that wait for its engine.")
    restarts: int | None = Field(None, description="Times that its worker was replaced.")
    resident_memory_bytes: int | None = Field(None, description="Memory of the server, without its engine's.")
    device_memory_bytes: int | None = Field(None, description="Device memory that its engine has reserved.")


class ServiceState(BaseModel):
    """A service of the mesh."""

    name: str = Field(description="Such as tts.")
    ok: bool = Field(description="Whether a replica serves and is not stalled.")
    replicas: list[Replica] = Field(description="Its servers, in the order of the settings.")


class _Connection:
    """A channel to one server, and its stubs, which must be made while it is open."""

    def __init__(self, address: str) -> None:
        self.channel = direct_channel(address, SOON_FOUND)
        self.health = health_pb2_grpc.HealthStub(self.channel)
        self.runtime = runtime_pb2_grpc.RuntimeServiceStub(self.channel)


class MeshWatch:
    """Looks at services when asked, each at most once a second. Made and closed on the event loop."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self._connections: dict[str, dict[str, _Connection]] = {name: {} for name in SERVICES}
        self._locks = {name: asyncio.Lock() for name in SERVICES}
        self._seen: dict[str, tuple[float, ServiceState]] = {}

    async def service(self, name: str) -> ServiceState:
        """How a service is. Raises NotFoundError for a name that is no service."""
        if name not in SERVICES:
            raise NotFoundError(f"There is no service {name[:40]!r}.", f"The services are {', '.join(SERVICES)}.")
        async with self._locks[name]:
            seen_s, state = self._seen.get(name, (0.0, None))
            if state is None or time.monotonic() - seen_s > _FRESH_S:
                state = await self._look_at(name)
                self._seen[name] = (time.monotonic(), state)
        return state

    async def all(self) -> list[ServiceState]:
        """How every service is."""
        return list(await asyncio.gather(*(self.service(name) for name in SERVICES)))

    async def close(self) -> None:
        """Closes what is open to the services."""
        for name in SERVICES:
            await self._keep(name, [])

    async def _look_at(self, name: str) -> ServiceState:
        found = [(target, await resolve(target)) for target in self._settings.targets(name)]
        addresses = [address for _, addresses in found for address in addresses or ()]
        await self._keep(name, addresses)
        replicas = list(await asyncio.gather(*(self._replica(name, address) for address in addresses)))
        silent = [{"address": target, "health": "UNREACHABLE"} for target, addresses in found if not addresses]
        replicas += map(Replica.model_validate, silent)
        ok = any(replica.health == "SERVING" and not replica.stalled for replica in replicas)
        return ServiceState(name=name, ok=ok, replicas=replicas)

    async def _keep(self, name: str, addresses: Sequence[str]) -> None:
        """Closes what was open to servers that are behind the service's names no more."""
        known = self._connections[name]
        for address in known.keys() - set(addresses):
            await known.pop(address).channel.close()

    async def _replica(self, name: str, address: str) -> Replica:
        connection = self._connections[name].get(address) or _Connection(address)
        self._connections[name][address] = connection
        health, engine, status = await asyncio.gather(
            self._health(name, connection), self._engine(connection), self._status(connection)
        )
        return Replica(address=address, health=health, **engine, **status)

    async def _health(self, name: str, connection: _Connection) -> Health:
        request = health_pb2.HealthCheckRequest(service=FULL_NAMES[name])
        try:
            response = await connection.health.Check(request, timeout=self._settings.probe_timeout_s)
        except grpc.aio.AioRpcError:
            return "UNREACHABLE"
        return "SERVING" if response.status == health_pb2.HealthCheckResponse.SERVING else "NOT_SERVING"

    async def _engine(self, connection: _Connection) -> dict[str, Any]:
        try:
            said = await connection.runtime.Describe(
                runtime_pb2.DescribeRequest(), timeout=self._settings.probe_timeout_s
            )
        except grpc.aio.AioRpcError:
            return {}
        capabilities = MessageToDict(said.capabilities, preserving_proto_field_name=True)
        return {
            "engine": said.engine,
            "device": said.device,
            "checkpoint": said.checkpoint,
            "fallback_reason": said.fallback_reason,
            "capabilities": EngineCapabilities(**capabilities) if said.HasField("capabilities") else None,
        }

    async def _status(self, connection: _Connection) -> dict[str, Any]:
        try:
            said = await connection.runtime.GetStatus(
                runtime_pb2.GetStatusRequest(), timeout=self._settings.probe_timeout_s
            )
        except grpc.aio.AioRpcError:
            return {}
        return figures_of(said)


def figures_of(said: runtime_pb2.GetStatusResponse) -> dict[str, Any]:
    """Fields of a Replica, from its status; fewer for a server without a worker."""
    figures = {
        "problem": said.problem,
        "active_requests": said.active_requests,
        "queue_depth": said.queue_depth,
        "resident_memory_bytes": said.resident_memory_bytes,
    }
    if said.state == runtime_pb2.WORKER_STATE_UNSPECIFIED:
        return figures
    return figures | {
        "state": runtime_pb2.WorkerState.Name(said.state).removeprefix("WORKER_STATE_").lower(),
        "stalled": said.stalled,
        "progress_age_s": round(said.progress_age_ms / 1000, 2),
        "stall_budget_s": said.stall_budget_ms / 1000,
        "restarts": sum(said.restarts.values()),
        "device_memory_bytes": said.device_memory_bytes,
    }
