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

    languages: list[str] = Field([], description="BCP 47 tags; empty when any language will do.")
    clones: bool = Field(False, description="Can speak with the voice of a recording.")
    follows_instructions: bool = Field(False, description="Can be told how to speak.")
    judges_takes: bool = Field(False, description="Hears well enough to judge a take.")
    uses_gpu: bool = Field(False, description="Uses a GPU if there is one.")
    streams: bool = Field(False, description="Returns its first result before the request is complete.")
    needs_checkpoint: bool = Field(False, description="Needs a checkpoint.")
    reads_pinyin: bool = Field(False, description="Says a word as Hanyu Pinyin gives it.")
    reads_ipa: bool = Field(False, description="Says a word as the International Phonetic Alphabet gives it.")


class Replica(BaseModel):
    """One server of a service."""

    address: str = Field(description="gRPC address.")
    health: Health = Field(description="What its health service reports.")
    engine: str = Field("", description="Name of its engine.")
    device: str = Field("", description="Device it is configured to use.")
    checkpoint: str = Field("", description="Name of its checkpoint's folder.")
    capabilities: EngineCapabilities | None = Field(None, description="What its engine can do, once it is loaded.")
    fallback_reason: str = Field("", description="Why this engine replaces the configured one; empty if it does not.")
    choice_reason: str = Field("", description="Why it is this engine: named in the settings, or chosen by itself.")
    problem: str = Field(
        "", description="Why its engine cannot be loaded, or no job be taken (disk, database), and what to do."
    )
    state: str = Field("", description="State of its worker, such as idle, progressing, stalled.")
    stalled: bool = Field(False, description="Whether active work has made no progress within its budget.")
    progress_age_s: float | None = Field(None, description="Seconds since its engine last made progress.")
    stall_budget_s: float | None = Field(
        None,
        description="Seconds without progress that count as a stall; while it waits for a caller, the caller's.",
    )
    active_requests: int | None = Field(None, description="Calls its engine is working on.")
    queue_depth: int | None = Field(None, description="Calls waiting for its engine.")
    restarts: int | None = Field(None, description="How often its worker has been replaced.")
    resident_memory_bytes: int | None = Field(
        None, description="Memory of the server process, without that of its engine."
    )
    device_memory_bytes: int | None = Field(None, description="Device memory that its engine has reserved.")


class ServiceState(BaseModel):
    """A service of the mesh."""

    name: str = Field(description="Name, such as tts.")
    ok: bool = Field(description="Whether at least one replica is serving, not stalled and without a problem.")
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
        ok = any(replica.health == "SERVING" and not (replica.stalled or replica.problem) for replica in replicas)
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
            response = await connection.health.Check(request, timeout=self._settings.waits.probe_timeout_s)
        except grpc.aio.AioRpcError:
            return "UNREACHABLE"
        return "SERVING" if response.status == health_pb2.HealthCheckResponse.SERVING else "NOT_SERVING"

    async def _engine(self, connection: _Connection) -> dict[str, Any]:
        try:
            said = await connection.runtime.Describe(
                runtime_pb2.DescribeRequest(), timeout=self._settings.waits.probe_timeout_s
            )
        except grpc.aio.AioRpcError:
            return {}
        capabilities = MessageToDict(said.capabilities, preserving_proto_field_name=True)
        return {
            "engine": said.engine,
            "device": said.device,
            "checkpoint": said.checkpoint,
            "fallback_reason": said.fallback_reason,
            "choice_reason": said.choice_reason,
            "capabilities": EngineCapabilities(**capabilities) if said.HasField("capabilities") else None,
        }

    async def _status(self, connection: _Connection) -> dict[str, Any]:
        try:
            said = await connection.runtime.GetStatus(
                runtime_pb2.GetStatusRequest(), timeout=self._settings.waits.probe_timeout_s
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
