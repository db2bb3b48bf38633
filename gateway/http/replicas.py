"""The services of the mesh as they are now: gRPC health and the figures of each replica's own Prometheus page."""

from __future__ import annotations

import asyncio
import time
from itertools import zip_longest
from typing import Literal

import grpc
import httpx
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client.parser import text_string_to_metric_families
from pydantic import BaseModel, Field

from gateway.settings import SERVICES, GatewaySettings
from services.base.errors import NotFoundError
from services.runtime.health import FALLBACK_METADATA_KEY, PROBLEM_METADATA_KEY

FULL_NAMES = {
    "orchestrator": "vigent.jobs.v1.JobService",
    "tts": "vigent.tts.v1.TtsService",
    "lipsync": "vigent.lipsync.v1.LipsyncService",
    "asr": "vigent.asr.v1.AsrService",
    "overlay": "vigent.overlay.v1.OverlayService",
}
ENGINE_METADATA_KEY = "vigent-engine"
SOON_FOUND = [(f"grpc.{which}_reconnect_backoff_ms", 200) for which in ("initial", "max")]
"""Options of a channel: who listens again is found soon. Not "min", which a busy server would have for its greeting."""
_FRESH_S = 1.0  # many askers share one look

Health = Literal["SERVING", "NOT_SERVING", "UNREACHABLE"]
Figures = dict[str, dict[str, float]]
"""Metric name -> value of its label that is not the service (or "") -> value."""


class Replica(BaseModel):
    """One server of a service."""

    address: str = Field(description="gRPC address.")
    health: Health = Field(description="What its health service says of the service.")
    engine: str = Field("", description="Name of its engine.")
    problem: str = Field("", description="Why the engine asked for is not loaded, and what to do.")
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


class MeshWatch:
    """Looks at services when asked, each at most once a second. Made and closed on the event loop."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self._http = httpx.AsyncClient(timeout=settings.probe_timeout_s, trust_env=False)
        self._channels = {
            target: grpc.aio.insecure_channel(target, options=SOON_FOUND)
            for name in SERVICES
            for target in settings.targets(name)
        }
        self._locks = {name: asyncio.Lock() for name in SERVICES}
        self._seen: dict[str, tuple[float, ServiceState]] = {}
        self.job_counts: dict[str, float] = {}

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
        await self._http.aclose()
        for channel in self._channels.values():
            await channel.close()

    async def _look_at(self, name: str) -> ServiceState:
        places = zip_longest(self._settings.targets(name), self._settings.metrics_urls(name), fillvalue="")
        looks = [self._replica(name, target, url) for target, url in places if target]
        replicas = list(await asyncio.gather(*looks))
        ok = any(replica.health == "SERVING" and not replica.stalled for replica in replicas)
        return ServiceState(name=name, ok=ok, replicas=replicas)

    async def _replica(self, name: str, target: str, metrics_url: str) -> Replica:
        (health, engine, problem), figures = await asyncio.gather(
            self._health(name, target), self._figures(metrics_url)
        )
        if name == "orchestrator":
            self.job_counts = figures.get("vigent_jobs", {})
        return replica_of(target, health, engine, figures, time.time(), problem)

    async def _health(self, name: str, target: str) -> tuple[Health, str, str]:
        stub = health_pb2_grpc.HealthStub(self._channels[target])
        request = health_pb2.HealthCheckRequest(service=FULL_NAMES[name])
        call = stub.Check(request, timeout=self._settings.probe_timeout_s)
        try:
            response = await call
            identity = str((await call.initial_metadata()).get(ENGINE_METADATA_KEY, ""))
            told = await call.trailing_metadata()
            problem = str(told.get(PROBLEM_METADATA_KEY) or told.get(FALLBACK_METADATA_KEY, ""))
        except grpc.aio.AioRpcError:
            return "UNREACHABLE", "", ""
        serving = response.status == health_pb2.HealthCheckResponse.SERVING
        return "SERVING" if serving else "NOT_SERVING", engine_name(identity), problem

    async def _figures(self, url: str) -> Figures:
        if not url:
            return {}
        try:
            response = await self._http.get(url)
            return figures_of(response.text)
        except (httpx.HTTPError, ValueError):
            return {}


def figures_of(page: str) -> Figures:
    """The samples of a Prometheus page, summed over what `Figures` does not tell apart."""
    figures: Figures = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            label = next((value for key, value in sample.labels.items() if key != "service"), "")
            values = figures.setdefault(sample.name, {})
            values[label] = values.get(label, 0.0) + sample.value
    return figures


def replica_of(address: str, health: Health, engine: str, figures: Figures, now_s: float, problem: str = "") -> Replica:
    """A replica from its health and its figures; `now_s` is Unix time. What it does not publish stays unknown."""
    active = _whole(figures, "vigent_worker_active_requests")
    progress_s = figures.get("vigent_worker_progress_timestamp_seconds", {}).get("")
    budget_s = figures.get("vigent_worker_stall_budget_seconds", {}).get("")
    age_s = None if progress_s is None else max(0.0, now_s - progress_s)
    states = figures.get("vigent_worker_state", {})
    restarts = figures.get("vigent_worker_restarts_total")
    return Replica(
        address=address,
        health=health,
        engine=engine,
        problem=problem,
        state=next((name for name, value in states.items() if value == 1), ""),
        stalled=bool(active) and age_s is not None and budget_s is not None and age_s > budget_s,
        progress_age_s=None if age_s is None else round(age_s, 2),
        stall_budget_s=budget_s,
        active_requests=active,
        queue_depth=_whole(figures, "vigent_queue_depth"),
        restarts=None if restarts is None and not states else int(sum((restarts or {}).values())),
        resident_memory_bytes=_whole(figures, "process_resident_memory_bytes"),
        device_memory_bytes=_whole(figures, "vigent_device_memory_bytes"),
    )


def _whole(figures: Figures, name: str) -> int | None:
    value = figures.get(name, {}).get("")
    return None if value is None else int(value)


def engine_name(identity: str) -> str:
    """The first word: an engine tells its name, version and a hash of what made it."""
    return identity.partition(" ")[0]
