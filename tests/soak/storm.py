"""A storm: jobs are submitted while processes are killed, frozen and restarted at random."""

from __future__ import annotations

import asyncio
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable

import grpc
import psutil
from grpc_health.v1 import health_pb2, health_pb2_grpc

from orchestrator.client import JobClient
from services.base.direct import NO_PROXY
from services.base.errors import DeadlineExceededError, UnavailableError, VigentError
from tests.soak.footprint import Footprint, footprints
from tests.support.films import facts_of, output, spec_of
from tests.support.mesh import Mesh, Server
from tests.support.servers import SERVING, TIMEOUT_S, is_worker
from vigent.jobs.v1 import jobs_pb2

_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight")
_PAUSE_S, _FROZEN_S = (1.0, 6.0), (0.5, 8.0)
_AT_ONCE, _TWINS = 3, 6
_CALM_S, _LONGEST_CALM_S = 2.0, 30.0


def _kill(server: Server) -> None:
    server.kill()
    server.start()


def _restart(server: Server) -> None:
    server.stop()
    server.start()


def _kill_worker(server: Server) -> None:
    for worker in _workers(server):
        worker.kill()


def _freeze_worker(server: Server) -> None:
    for worker in _workers(server):
        worker.suspend()  # for good: its server must find it


def _workers(server: Server) -> list[psutil.Process]:
    """Without Python's resource tracker: one that is frozen holds the output of its server open, and so this storm."""
    return [child for child in psutil.Process(server.process.pid).children() if is_worker(child)]


_AWAY = UnavailableError, DeadlineExceededError  # killed, and frozen, in the middle of a call
FAULTS: dict[str, Callable[[Server], None]] = {
    "kill": _kill,
    "restart": _restart,
    "kill the worker of": _kill_worker,
    "freeze the worker of": _freeze_worker,
}


class Storm:
    """The faults and the jobs of one run."""

    def __init__(self, mesh: Mesh, seed: int) -> None:
        self._mesh, self._seed = mesh, seed
        self._fate, self._chance = random.Random(seed), random.Random(seed)  # of their own: jobs end when they end
        self.specs: dict[str, jobs_pb2.JobSpec] = {}
        self.ids: dict[str, str] = {}
        self.faults = Counter[str]()

    async def rage(self, until_s: float) -> None:
        """Submits and breaks until then; the last job may still be under way."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._break(until_s))
            for _ in range(_AT_ONCE):
                group.create_task(self._submit(until_s))

    async def _break(self, until_s: float) -> None:
        while time.monotonic() < until_s:
            name, fault = self._fate.choice(list(self._mesh.servers)), self._fate.choice([*FAULTS, "freeze"])
            print(f"{fault} {name}", flush=True)
            self.faults[fault] += 1
            server = self._mesh.servers[name]
            try:
                if fault == "freeze":
                    await _freeze(server, self._fate.uniform(*_FROZEN_S))
                else:
                    await asyncio.to_thread(FAULTS[fault], server)
            except psutil.NoSuchProcess:
                pass  # it had just ended by itself
            await asyncio.sleep(self._fate.uniform(*_PAUSE_S))

    async def _submit(self, until_s: float) -> None:
        while time.monotonic() < until_s:
            number = len(self.specs)
            key, count = f"soak {self._seed} {number}", self._chance.randint(1, 4)
            script = "".join(f"Sentence {self._chance.choice(_WORDS)} of job {number}. " for _ in range(count))
            self.specs[key] = spec_of(self._mesh, script, seed=number + 1)
            await self._ended(key)

    async def rest(self) -> dict[str, Footprint]:
        """What each process holds once all jobs have ended, and each has worked since it was last started."""
        for key in self.specs:
            await self._ended(key)
        calm = [f"calm {self._seed} {len(self.specs) + number}" for number in range(_AT_ONCE)]
        for key in calm:
            script = "".join(f"Sentence {word} of {key}. " for word in _WORDS[:4])
            self.specs[key] = spec_of(self._mesh, script, seed=len(self.specs) + 1)
        await asyncio.gather(*(self._ended(key) for key in calm))
        await asyncio.gather(*(_serving(server) for server in self._mesh.servers.values()))
        return await _at_rest(self._mesh)

    async def _ended(self, key: str) -> jobs_pb2.Job:
        """Submits it, again after each refusal, and waits for its end; the same key must be the same job."""
        while True:
            try:
                async with JobClient(self._mesh.jobs) as client:
                    job = (await client.submit(self.specs[key], key)).job
                    assert self.ids.setdefault(key, job.id) == job.id, f"{key} became two jobs"
                    async for _ in client.watch(job.id):
                        pass
                    return await client.get(job.id)
            except VigentError as error:
                if not error.retryable and not isinstance(error, _AWAY):
                    raise
                await asyncio.sleep(0.5)

    async def check(self) -> None:
        """Raises AssertionError for a job that is lost, made twice, or is not what it would have been in the calm."""
        async with JobClient(self._mesh.jobs) as client:
            jobs = [job async for job in client.list_all()]
        assert len(jobs) == len(self.ids), f"{len(self.ids)} were submitted, there are {len(jobs)}"
        made = {job.id: job for job in jobs}
        for key, job_id in self.ids.items():
            job = made[job_id]
            assert job.state == jobs_pb2.JOB_STATE_DONE, f"{key}: {job.error}"
            assert facts_of(output(self._mesh, job, "film.mp4")).frames == sum(part.frames for part in job.segments)
        shutil.rmtree(self._mesh.media_root / "keys")  # nothing finished is found again
        (self._mesh.media_root / "keys").mkdir()
        for key in self._chance.sample(sorted(self.ids), min(_TWINS, len(self.ids))):
            await self._compare(key, made[self.ids[key]])
        print(f"{len(jobs)} jobs, {self.faults.total()} faults {dict(self.faults)}")

    async def _compare(self, key: str, job: jobs_pb2.Job) -> None:
        self.specs[f"{key} twin"] = self.specs[key]
        twin = await self._ended(f"{key} twin")
        assert [pieces_of(part) for part in twin.segments] == [pieces_of(part) for part in job.segments], key


def pieces_of(segment: jobs_pb2.Segment) -> tuple[str, str, int]:
    return segment.voice.sha256, segment.film.sha256, segment.frames


async def _freeze(server: Server, seconds: float) -> None:
    server.process.send_signal(signal.SIGSTOP)
    await asyncio.sleep(seconds)
    server.process.send_signal(signal.SIGCONT)


async def _serving(server: Server) -> None:
    """Waits until its worker is there and was not stopped."""
    async with asyncio.timeout(TIMEOUT_S), grpc.aio.insecure_channel(server.address, [NO_PROXY]) as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        while (await watch.read()).status != SERVING:
            pass
        watch.cancel()


async def _at_rest(mesh: Mesh) -> dict[str, Footprint]:
    """Once no process opens or closes anything any more, or after a while."""
    before, now = {}, footprints(mesh)
    until_s = time.monotonic() + _LONGEST_CALM_S
    while _opened(before) != _opened(now):
        if time.monotonic() > until_s:
            break
        await asyncio.sleep(_CALM_S)
        before, now = now, footprints(mesh)
    return now


def _opened(held: dict[str, Footprint]) -> list[tuple[str, float, float]]:
    return [(name, each.open_files, each.threads) for name, each in held.items()]
