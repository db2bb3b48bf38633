"""The mesh with the GPUs asleep: real gateway, orchestrators and PostgreSQL, lip-sync that waits instead of computing.

Fifty replicas' worth of lip-sync waits `frame_s` for each frame. Jobs are kept waiting all the time, and each that is
made has a watcher at the gateway. What was finished in a stretch of time is compared with what the engines allow.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from contextlib import AsyncExitStack, ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import psycopg
from prometheus_client.parser import text_string_to_metric_families

from tests.bench.pipeline import script_of, sleeping_engines
from tests.support.films import face_picture
from tests.support.mesh import Server, run_servers
from tests.support.postgres import run_postgres

REPLICAS, SERVERS = 50, 5
ORCHESTRATORS, JOBS_EACH, SEGMENTS_EACH = 2, 16, 2
SENTENCES = 4
_SIZE = {"width": 144, "height": 256}
_WAITING = 8  # jobs beyond those that run
_UNTIL_FULL = 8  # films that have ended when all lip-sync slots have work, and the jobs are spread over time
_TIMEOUT_S = 120.0
_CHANGED = "SELECT xact_commit, tup_inserted + tup_updated + tup_deleted FROM pg_stat_database WHERE datname = %s"


@dataclass(frozen=True)
class Counts:
    """What had happened by `at_s`."""

    at_s: float
    films: int
    frames: float
    orchestrator_cpu_s: float
    commits: int
    rows: int


@dataclass(frozen=True)
class Outcome:
    """What a run gave; `films` and `frames` in `seconds`."""

    seconds: float
    films: int
    frames: float
    frames_a_film: float
    frame_s: float
    cpu_s_a_film: float
    commits_a_film: float
    rows_a_film: float
    gateway_clients: int
    gateway_upstream: int
    failed: int

    @property
    def films_h(self) -> float:
        """By the frames: films that had begun before and end afterwards are counted in part."""
        return self.frames / self.frames_a_film / self.seconds * 3600

    @property
    def allowed_h(self) -> float:
        """What fifty replicas that never wait would make."""
        return REPLICAS / self.frame_s / self.frames_a_film * 3600

    def __str__(self) -> str:
        return "\n".join(
            [
                f"{self.seconds:.0f} s, {REPLICAS} lip-sync slots of {self.frame_s:g} s a frame, "
                f"{ORCHESTRATORS} orchestrators of {JOBS_EACH} jobs, {self.frames_a_film:.0f} frames a film",
                f"films/h predicted {self.allowed_h:.0f}, simulated {self.films_h:.0f} "
                f"({self.films_h / self.allowed_h - 1:+.1%}); {self.films} ended, {self.failed} failed",
                f"orchestrator CPU {self.cpu_s_a_film:.2f} s a film",
                f"database: {self.commits_a_film:.0f} commits, {self.rows_a_film:.0f} rows written a film",
                f"gateway: {self.gateway_clients} connections of clients, {self.gateway_upstream} to the mesh",
            ]
        )


class _Mesh:
    """The processes of a run."""

    def __init__(self, stack: ExitStack, folder: Path, frame_s: float) -> None:
        postgres = stack.enter_context(run_postgres())
        self.url = postgres.new_database()
        engines = sleeping_engines({"tts": 0.001, "lipsync": frame_s, "asr": 0.001}) | {
            "VIGENT_ASR_ENGINE": "tests.knobs.asr:KnobsAsr",
            "VIGENT_LIPSYNC_SLOTS": str(REPLICAS // SERVERS),
            "VIGENT_LIPSYNC_QUEUE_LIMIT": "64",
            "VIGENT_TTS_SLOTS": "8",
            "VIGENT_TTS_QUEUE_LIMIT": "64",
            "VIGENT_ASR_SLOTS": "8",
            "VIGENT_ASR_QUEUE_LIMIT": "64",
            "VIGENT_OVERLAY_SLOTS": "4",
            "VIGENT_OVERLAY_QUEUE_LIMIT": "64",
        }

        wanted = {f"lipsync-{n}": ("services.lipsync", engines) for n in range(SERVERS)}
        wanted |= {name: (f"services.{name}", engines) for name in ("tts", "asr", "overlay")}
        servers = stack.enter_context(run_servers(folder, wanted))
        self.lipsync = [server for name, server in servers.items() if name.startswith("lipsync")]
        targets = {name: servers[name].address for name in ("tts", "asr", "overlay")}
        targets["lipsync"] = ",".join(server.address for server in self.lipsync)
        settings = {f"VIGENT_ORCHESTRATOR_{name.upper()}": target for name, target in targets.items()} | {
            "VIGENT_ORCHESTRATOR_DATABASE_URL": self.url,
            "VIGENT_ORCHESTRATOR_MAX_RUNNING_JOBS": str(JOBS_EACH),
            "VIGENT_ORCHESTRATOR_PARALLEL_SEGMENTS": str(SEGMENTS_EACH),
            "VIGENT_ORCHESTRATOR_CLEAN_INTERVAL_S": "0",
        }
        self.orchestrators: list[Server] = []
        for number in range(ORCHESTRATORS):  # one after the other: the first makes the tables
            named = settings | {"VIGENT_ORCHESTRATOR_EXECUTOR_ID": f"sim-{number}"}
            started = run_servers(folder, {f"orchestrator-{number}": ("orchestrator", named)})
            self.orchestrators += stack.enter_context(started).values()
        mesh = targets | {"orchestrator": ",".join(server.address for server in self.orchestrators)}
        front = {f"VIGENT_GATEWAY_{name.upper()}": target for name, target in mesh.items()}
        patient = {"VIGENT_GATEWAY_PORT": "0", "VIGENT_GATEWAY_WAITS__CALL_TIMEOUT_S": str(_TIMEOUT_S)}
        gateway = {"gateway": ("gateway", front | patient)}
        self.gateway = stack.enter_context(run_servers(folder, gateway))["gateway"]
        _say("all processes are up")

    def counts(self, films: int) -> Counts:
        """What has happened so far."""
        with psycopg.connect(self.url, autocommit=True) as database:
            commits, rows = database.execute(_CHANGED, [database.info.dbname]).fetchone()  # type: ignore[misc]
        frames = sum(_frames(server) for server in self.lipsync)
        cpu_s = sum(_cpu_s(server) for server in self.orchestrators)
        return Counts(time.monotonic(), films, frames, cpu_s, commits, rows)

    def connections(self) -> tuple[int, int]:
        """Of the gateway: with clients, with the mesh."""
        port = int(self.gateway.address.rpartition(":")[2])
        open_now = psutil.Process(self.gateway.process.pid).net_connections("tcp")
        ends = [each.laddr.port for each in open_now if each.status == psutil.CONN_ESTABLISHED]
        return ends.count(port), len(ends) - ends.count(port)


def _frames(server: Server) -> float:
    page = httpx.get(f"http://{server.metrics}/metrics", timeout=_TIMEOUT_S, trust_env=False).text
    families = text_string_to_metric_families(page)
    samples = [sample for family in families for sample in family.samples if sample.name == "vigent_worker_units_total"]
    return sum(sample.value for sample in samples if sample.labels["phase"] == "lipsync")


def _cpu_s(server: Server) -> float:
    """Its own, that of children that ended, and of those that have not."""
    root = psutil.Process(server.process.pid)
    total = 0.0
    for process in (root, *root.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


class _Makers:
    """Clients that submit a film, watch it to its end, and submit the next."""

    def __init__(self, client: httpx.AsyncClient, footage: str) -> None:
        self._client, self._footage = client, footage
        self.films = self.failed = self.frames = self._seed = 0

    async def go_on(self, after_s: float) -> None:
        await asyncio.sleep(after_s)
        while True:
            self._seed += 1
            body = {"script": script_of(SENTENCES), "footage": self._footage, "seed": self._seed, **_SIZE}
            submitted = await self._client.post("/api/v1/jobs", json=body)
            submitted.raise_for_status()
            await self._watch(submitted.json()["id"])

    async def _watch(self, job_id: str) -> None:
        async with self._client.stream("GET", f"/api/v1/jobs/{job_id}/events", timeout=None) as stream:
            async for _ in stream.aiter_lines():
                pass
        report = await self._client.get(f"/api/v1/jobs/{job_id}/report.json")
        if report.status_code == httpx.codes.OK:
            self.films += 1
            self.frames = json.loads(report.text)["frames"]
        else:
            self.failed += 1


async def _measured(mesh: _Mesh, minutes: float, frame_s: float) -> Outcome:
    watchers = ORCHESTRATORS * JOBS_EACH + _WAITING
    address = f"http://{mesh.gateway.address}"
    async with AsyncExitStack() as stack:
        limits = httpx.Limits(max_connections=2 * watchers)
        client = await stack.enter_async_context(
            httpx.AsyncClient(base_url=address, timeout=_TIMEOUT_S, trust_env=False, limits=limits)
        )
        uploaded = await client.post("/api/v1/footage", files={"file": ("face.png", face_picture())})
        makers = _Makers(client, uploaded.json()["id"])
        working = [asyncio.create_task(makers.go_on(after_s)) for after_s in range(watchers)]
        while makers.films < _UNTIL_FULL:
            await asyncio.sleep(1)
            _raise_of(working)
        _say("the mesh is full")
        before = await asyncio.to_thread(mesh.counts, makers.films)
        await asyncio.sleep(minutes * 60)
        _raise_of(working)
        after = await asyncio.to_thread(mesh.counts, makers.films)
        clients, upstream = mesh.connections()
        for task in working:
            task.cancel()
    films = (after.frames - before.frames) / makers.frames
    return Outcome(
        seconds=after.at_s - before.at_s,
        films=after.films - before.films,
        frames=after.frames - before.frames,
        frames_a_film=makers.frames,
        frame_s=frame_s,
        cpu_s_a_film=(after.orchestrator_cpu_s - before.orchestrator_cpu_s) / films,
        commits_a_film=(after.commits - before.commits) / films,
        rows_a_film=(after.rows - before.rows) / films,
        gateway_clients=clients,
        gateway_upstream=upstream,
        failed=makers.failed,
    )


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


def _raise_of(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        if task.done():
            task.result()


def simulated(minutes: float, frame_s: float) -> Outcome:
    """Runs a mesh for some minutes, after the films that fill it."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        return asyncio.run(_measured(_Mesh(stack, folder, frame_s), minutes, frame_s))
