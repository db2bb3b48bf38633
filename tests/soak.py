"""A storm: jobs are submitted while processes are killed, frozen and restarted at random. `make soak MINUTES=3`.

Then every job must be done, once, its film whole, and equal in every piece to a twin that is made in the calm after.
The seed is printed; with `--seed` the same faults come in the same order.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil

from orchestrator.client import JobClient
from services.base.errors import UnavailableError, VigentError
from tests.support.films import facts_of, output, spec_of
from tests.support.mesh import Mesh, Server, run_mesh
from tests.support.servers import is_worker
from tests.support.slow_films import slow_engines
from vigent.jobs.v1 import jobs_pb2

_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight")
_PAUSE_S, _FROZEN_S = (1.0, 6.0), (0.5, 8.0)
_AT_ONCE, _TWINS = 3, 6


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


FAULTS: dict[str, Callable[[Server], None]] = {
    "kill": _kill,
    "restart": _restart,
    "kill the worker of": _kill_worker,
    "freeze the worker of": _freeze_worker,
}


class Storm:
    """The faults and the jobs of one run."""

    def __init__(self, mesh: Mesh, seed: int) -> None:
        self._mesh, self._chance, self._seed = mesh, random.Random(seed), seed
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
            name, fault = self._chance.choice(list(self._mesh.servers)), self._chance.choice([*FAULTS, "freeze"])
            print(f"{fault} {name}", flush=True)
            self.faults[fault] += 1
            server = self._mesh.servers[name]
            try:
                if fault == "freeze":
                    await _freeze(server, self._chance.uniform(*_FROZEN_S))
                else:
                    await asyncio.to_thread(FAULTS[fault], server)
            except psutil.NoSuchProcess:
                pass  # it had just ended by itself
            await asyncio.sleep(self._chance.uniform(*_PAUSE_S))

    async def _submit(self, until_s: float) -> None:
        while time.monotonic() < until_s:
            number = len(self.specs)
            key, count = f"soak {self._seed} {number}", self._chance.randint(1, 4)
            script = "".join(f"Sentence {self._chance.choice(_WORDS)} of job {number}. " for _ in range(count))
            self.specs[key] = spec_of(self._mesh, script, seed=number + 1)
            await self._ended(key)

    async def settle(self) -> None:
        """Waits for all jobs."""
        for key in self.specs:
            await self._ended(key)

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
                if not error.retryable and not isinstance(error, UnavailableError):
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
        left = list((self._mesh.media_root / "tmp").iterdir())
        print(f"{len(jobs)} jobs, {self.faults.total()} faults {dict(self.faults)}, temporary files left: {len(left)}")

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


async def _soak(folder: Path, minutes: float, seed: int) -> None:
    budgets = {f"VIGENT_{name}_STALL_BUDGET_S": "5" for name in ("TTS", "LIPSYNC", "ASR", "OVERLAY")}
    limits = {f"VIGENT_{name}_RESTART_LIMIT": "1000" for name in ("TTS", "LIPSYNC", "ASR", "OVERLAY")}
    with run_mesh(folder, slow_engines(folder) | budgets | limits, lipsync_replicas=2) as mesh:
        storm = Storm(mesh, seed)
        await storm.rage(time.monotonic() + 60 * minutes)
        await storm.settle()
        await storm.check()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="vigent-soak-") as folder:
        asyncio.run(_soak(Path(folder), arguments.minutes, arguments.seed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
