"""The database of the jobs goes away, or has several orchestrators: nothing is lost, and everybody is told."""

import asyncio
import urllib.request
from collections.abc import Iterator

import pytest

from orchestrator.client import JobClient
from orchestrator.jobs.records import JobRecords
from services.base.errors import UnavailableError
from tests.support.films import ended, facts_of, output, spec_of, until
from tests.support.mesh import Mesh, Server, run_mesh, run_server
from tests.support.postgres import Postgres, run_postgres
from tests.support.slow_films import SCRIPT, SENTENCES, slow_engines
from vigent.jobs.v1 import jobs_pb2


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with run_postgres() as postgres:
        yield postgres


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Iterator[Mesh]:
    folder = tmp_path_factory.mktemp("database")
    database = {"VIGENT_ORCHESTRATOR_DATABASE_URL": postgres.new_database()}
    with run_mesh(folder, {**slow_engines(folder), **database}) as mesh:
        yield mesh


@pytest.mark.fault("database locked, slow or down")
async def test_a_job_outlives_its_database(mesh: Mesh, postgres: Postgres) -> None:
    async with JobClient(mesh.jobs) as client:
        job = (await client.submit(spec_of(mesh, SCRIPT, seed=1))).job
        begun = await until(client, job.id, lambda event: event.progress.segments_done >= 1)
        await asyncio.to_thread(postgres.kill)
        with pytest.raises(UnavailableError) as caught:
            await client.get(job.id)
        metrics = await asyncio.to_thread(_metrics, mesh.servers["orchestrator"])
        await asyncio.to_thread(postgres.start)
        events = [event async for event in client.watch(job.id)]
        job = await client.get(job.id)
    assert caught.value.reason == "DATABASE_AWAY"
    assert "vigent_requests_total" in metrics
    assert "vigent_jobs{" not in metrics
    assert facts_of(output(mesh, job, "film.mp4")).frames == sum(segment.frames for segment in job.segments)
    assert [event.id for event in events] == list(range(1, len(events) + 1))
    assert begun in events
    assert SENTENCES in {event.progress.segments_done for event in events}


async def test_what_a_job_notes_waits_for_its_database(postgres: Postgres) -> None:
    records = JobRecords(postgres.new_database())
    await records.create(jobs_pb2.Job(id="a"), "")
    await asyncio.to_thread(postgres.kill)
    with pytest.raises(UnavailableError):
        await records.get("a")
    note = asyncio.create_task(records.attempt_at("a", 0).change(_end))
    await asyncio.to_thread(postgres.start)
    assert (await asyncio.wait_for(note, 60)).state == jobs_pb2.JOB_STATE_DONE
    assert [event.id for event in await records.events_after("a", 0)] == [1, 2]
    records.close()


@pytest.mark.fault(
    "orchestrator killed in a job",
    promised="It goes on with the job when it is back: SQLite and PostgreSQL.",
)
async def test_a_killed_orchestrator_goes_on_from_postgresql(mesh: Mesh) -> None:
    async with JobClient(mesh.jobs) as client:
        job = (await client.submit(spec_of(mesh, SCRIPT, seed=2))).job
        await until(client, job.id, lambda event: event.progress.segments_done >= 1)
        await asyncio.to_thread(_crash, mesh.servers["orchestrator"])
        job = await ended(client, job.id)
    assert facts_of(output(mesh, job, "film.mp4")).frames == sum(segment.frames for segment in job.segments)


async def test_two_orchestrators_share_the_jobs(mesh: Mesh) -> None:
    environment = {**mesh.servers["orchestrator"].environment, "VIGENT_ORCHESTRATOR_EXECUTOR_ID": "second"}
    with run_server("orchestrator", mesh.data, environment) as second:
        async with JobClient(mesh.jobs) as here, JobClient(second.address) as there:
            specs = [spec_of(mesh, "One sentence.", seed=seed) for seed in (3, 4, 5)]
            jobs = [(await here.submit(spec, f"key {spec.seed}")).job for spec in specs]
            again = [await there.submit(spec, f"key {spec.seed}") for spec in specs]
            seen = await asyncio.gather(*(ended(client, job.id) for job in jobs for client in (here, there)))
    assert [answer.job.id for answer in again] == [job.id for job in jobs]
    assert {job.state for job in seen} == {jobs_pb2.JOB_STATE_DONE}


def _metrics(server: Server) -> str:
    with urllib.request.urlopen(f"http://{server.metrics}/metrics", timeout=60) as answer:
        return answer.read().decode()


def _crash(server: Server) -> None:
    server.kill()
    server.start()


def _end(job: jobs_pb2.Job) -> None:
    job.state = jobs_pb2.JOB_STATE_DONE
