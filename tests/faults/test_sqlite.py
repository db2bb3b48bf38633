"""The jobs' SQLite file: locked, removed, or written to by somebody else. What is refused is not done."""

from __future__ import annotations

import asyncio
import base64
import os
import pickle
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from gateway.http.replicas import MeshWatch, ServiceState
from gateway.settings import GatewaySettings
from orchestrator.client import JobClient
from orchestrator.jobs.database import DATABASE_AWAY
from services.base.client import retrying
from services.base.errors import UnavailableError
from tests.support.films import ended, facts_of, output, spec_of, until
from tests.support.mesh import Mesh, run_mesh
from tests.support.slow_films import SCRIPT, slow_engines
from vigent.jobs.v1 import jobs_pb2


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    folder = tmp_path_factory.mktemp("sqlite")
    with run_mesh(folder, slow_engines(folder)) as mesh:
        yield mesh


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Nobody else can write meanwhile."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


async def states(client: JobClient) -> list[int]:
    return [job.state async for job in client.list_all()]


async def readiness(mesh: Mesh) -> ServiceState:
    watch = MeshWatch(GatewaySettings.load("gateway", orchestrator=mesh.jobs))
    try:
        return await watch.service("orchestrator")
    finally:
        await watch.close()


@pytest.mark.fault(
    "database locked, slow or down",
    promised="503 and when to come back, within the caller's deadline; what is refused is not done. Jobs go on after.",
)
async def test_what_a_locked_database_refuses_is_not_done_later(mesh: Mesh) -> None:
    """The lock is held for longer than any caller waits."""
    spec = spec_of(mesh, SCRIPT, seed=1)
    async with JobClient(mesh.jobs, timeout_s=6.0) as client:
        before = await states(client)
        with locked(mesh.data / "jobs.db"):
            refused = await asyncio.gather(*(client.submit(spec) for _ in range(3)), return_exceptions=True)
        assert [type(error) for error in refused] == [UnavailableError] * 3
        assert {error.reason for error in refused if isinstance(error, UnavailableError)} == {DATABASE_AWAY}
        assert all(error.retry_after_s for error in refused if isinstance(error, UnavailableError))
        taken = (await client.submit(spec)).job  # behind whatever was still waiting for the lock
        assert len(await states(client)) == len(before) + 1
        await client.cancel(taken.id)


@pytest.mark.fault("database locked, slow or down")
async def test_a_job_goes_on_once_the_database_is_unlocked(mesh: Mesh) -> None:
    """The caller has longer than the orchestrator waits for a lock: a busy machine can still tell it in time."""
    async with JobClient(mesh.jobs, timeout_s=60.0) as client:
        job = (await client.submit(spec_of(mesh, SCRIPT, seed=2))).job
        await until(client, job.id, lambda event: event.progress.segments_done >= 1)
        with locked(mesh.data / "jobs.db"), pytest.raises(UnavailableError):
            await client.cancel(job.id)
        job = await ended(client, job.id)
    assert facts_of(output(mesh, job, "film.mp4")).frames == sum(segment.frames for segment in job.segments)


@pytest.mark.fault(
    "database removed",
    promised="503 and readiness say so; it is never made anew, and used again once it is back.",
)
async def test_a_database_that_is_moved_away_is_told_and_used_again_once_it_is_back(mesh: Mesh) -> None:
    file, elsewhere = mesh.data / "jobs.db", mesh.data / "elsewhere.db"
    async with JobClient(mesh.jobs) as client:
        job = (await client.submit(spec_of(mesh, SCRIPT, seed=3))).job
        await until(client, job.id, lambda event: event.progress.segments_done >= 1)
        file.rename(elsewhere)
        try:
            with pytest.raises(UnavailableError, match=r"jobs\.db, is away") as caught:
                await client.submit(spec_of(mesh, SCRIPT, seed=4))
            orchestrator = await readiness(mesh)
            assert not file.exists()
        finally:
            elsewhere.rename(file)
        job = await ended(client, job.id)
    assert caught.value.reason == DATABASE_AWAY
    assert not orchestrator.ok
    assert "is away" in orchestrator.replicas[0].problem
    assert (await readiness(mesh)).ok
    assert facts_of(output(mesh, job, "film.mp4")).frames == sum(segment.frames for segment in job.segments)
    assert "Traceback" not in mesh.servers["orchestrator"].log.read_text(encoding="utf-8")


async def begun(mesh: Mesh, seed: int) -> str:
    """A job in its middle, of an orchestrator that was killed."""
    async with JobClient(mesh.jobs) as client:
        job = (await client.submit(spec_of(mesh, SCRIPT, seed=seed))).job
        await until(client, job.id, lambda event: event.progress.segments_done >= 1)
    await asyncio.to_thread(mesh.servers["orchestrator"].kill)
    return job.id


def rewrite(mesh: Mesh, job_id: str, inputs: object, version: str) -> None:
    """As an earlier version would have written it, or an attacker."""
    pickled = base64.b64encode(pickle.dumps(inputs)).decode()
    with closing(sqlite3.connect(mesh.data / "jobs.db")) as db, db:
        changed = db.execute(
            "UPDATE workflow_status SET inputs = ?, serialization = 'py_pickle', application_version = ?"
            " WHERE workflow_uuid = ?",
            (pickled, version, f"{job_id}-0"),
        )
        assert changed.rowcount == 1


@pytest.mark.fault(
    "orchestrator replaced by another version in a job",
    promised="The job is made; its finished pieces are found.",
)
async def test_a_job_that_an_older_version_began_is_made(mesh: Mesh) -> None:
    job_id = await begun(mesh, 5)
    rewrite(mesh, job_id, {"args": (job_id,), "kwargs": {}}, "films-v1")
    await asyncio.to_thread(mesh.servers["orchestrator"].start)
    async with JobClient(mesh.jobs) as client:
        job = await ended(client, job_id)
    assert facts_of(output(mesh, job, "film.mp4")).frames == sum(segment.frames for segment in job.segments)


class Attack:
    def __init__(self, file: Path) -> None:
        self.file = str(file)

    def __reduce__(self) -> tuple[object, tuple[str, int]]:
        return os.open, (self.file, os.O_CREAT)


@pytest.mark.fault("database written by somebody else", promised="It holds data alone: no code of theirs runs.")
async def test_whoever_writes_the_database_runs_no_code(mesh: Mesh, tmp_path: Path) -> None:
    job_id = await begun(mesh, 6)
    rewrite(mesh, job_id, Attack(tmp_path / "hacked"), "films-v2")
    await asyncio.to_thread(mesh.servers["orchestrator"].start)
    async with JobClient(mesh.jobs) as client:
        async for attempt in retrying(outage_s=120):  # gRPC remembers for a while that nobody was there
            with attempt:
                submitted = await client.submit(spec_of(mesh, "Another one.", seed=7), "another")
        other = await ended(client, submitted.job.id)
    assert other.state == jobs_pb2.JOB_STATE_DONE
    assert not (tmp_path / "hacked").exists()
