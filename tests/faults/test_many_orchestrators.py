"""Several orchestrators on one PostgreSQL: one is gone for good, one was only frozen, the database breaks off."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

import psycopg
import pytest

from orchestrator.client import ENDED_STATES, JobClient
from tests.support.films import ended, spec_of, until
from tests.support.mesh import Mesh, Server, run_mesh, run_server
from tests.support.postgres import Postgres, run_postgres
from tests.support.slow_films import SCRIPT, slow_engines
from vigent.jobs.v1 import jobs_pb2

NAMES = ("first", "second", "third")
LEASE_S = 4.0
FRAME_S = 0.07
"""What lip-sync waits before each: long enough that no film is done when the last of three has begun."""
TAKEN_OVER = re.compile(r"taken over from (\w+), not heard of since its lease ran out [\d.]+ s ago")


@dataclass(frozen=True)
class Peers:
    """Orchestrators over one mesh, by their names, and their database."""

    mesh: Mesh
    servers: dict[str, Server]
    postgres: Postgres
    url: str

    def client(self, name: str) -> JobClient:
        return JobClient(self.servers[name].address)

    def spec(self, seed: int, script: str) -> jobs_pb2.JobSpec:
        """Whose film has nothing of the job's id in it."""
        return spec_of(self.mesh, script, seed=seed, ai_label=jobs_pb2.AI_LABEL_OFF)

    def runner(self, job_id: str) -> str:
        """Who works on a job."""
        query = "SELECT executor_id FROM dbos.workflow_status WHERE status = 'PENDING' AND workflow_uuid LIKE %s"
        with psycopg.connect(self.url) as connection:
            (executor_id,) = connection.execute(query, (f"{job_id}-%",)).fetchone() or ("",)
        return str(executor_id).partition("#")[0]

    def leases(self) -> list[str]:
        """Names of those who hold one, or have not been forgotten."""
        with psycopg.connect(self.url) as connection:
            return sorted(row[0] for row in connection.execute("SELECT name FROM vigent_leases"))

    def taken_over(self, name: str) -> float:
        """How many jobs it has taken over."""
        with urllib.request.urlopen(f"http://{self.servers[name].metrics}/metrics", timeout=60) as answer:
            lines = answer.read().decode().splitlines()
        return float(next(line for line in lines if line.startswith("vigent_jobs_taken_over_total")).split()[1])


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with run_postgres() as postgres:
        yield postgres


@pytest.fixture(scope="module")
def peers(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Iterator[Peers]:
    folder, url = tmp_path_factory.mktemp("peers"), postgres.new_database()
    own = {"VIGENT_ORCHESTRATOR_DATABASE_URL": url, "VIGENT_ORCHESTRATOR_LEASE_S": str(LEASE_S)}
    own["VIGENT_ORCHESTRATOR_EXECUTOR_ID"] = NAMES[0]
    own["VIGENT_LIPSYNC_OPTIONS"] = json.dumps({"delay_s": str(FRAME_S)})
    with run_mesh(folder, {**slow_engines(folder), **own}) as mesh, ExitStack() as stack:
        servers = {NAMES[0]: mesh.servers["orchestrator"]}
        for name in NAMES[1:]:
            environment = {**servers[NAMES[0]].environment, "VIGENT_ORCHESTRATOR_EXECUTOR_ID": name}
            servers[name] = stack.enter_context(run_server("orchestrator", folder, environment))
        yield Peers(mesh, servers, postgres, url)


async def begun(peers: Peers, seed: int, script: str = SCRIPT) -> str:
    """The id of a job in its middle."""
    async with peers.client(NAMES[0]) as client:
        job = (await client.submit(peers.spec(seed, script))).job
        await until(client, job.id, lambda event: event.progress.segments_done >= 1)
    return job.id


async def running(peers: Peers, seed: int) -> tuple[str, str]:
    """Who makes a job, asked in its middle, and its id."""
    job_id = await begun(peers, seed)
    return peers.runner(job_id), job_id


async def events_of(client: JobClient, job_id: str) -> list[jobs_pb2.JobEvent]:
    return [event async for event in client.watch(job_id)]


def forget_pieces(peers: Peers) -> None:
    """What is kept by recipe is made again."""
    for key in (peers.mesh.media_root / "keys").iterdir():
        key.unlink()


async def twins_of(peers: Peers, seeds: Sequence[int]) -> list[jobs_pb2.Job]:
    """The same films, made again undisturbed, by all orchestrators side by side."""
    forget_pieces(peers)
    runners = await asyncio.gather(*(running(peers, seed) for seed in seeds))
    assert {runner for runner, _ in runners} == set(NAMES)
    async with peers.client(NAMES[0]) as client:
        return await asyncio.gather(*(ended(client, job_id) for _, job_id in runners))


async def test_a_cancel_reaches_the_orchestrator_that_makes_the_film(peers: Peers) -> None:
    """Its next film is made before it could have finished this one."""
    job_id = await begun(peers, seed=1, script=" ".join(f"This is line {number}." for number in range(300)))
    other = next(name for name in NAMES if name != peers.runner(job_id))
    async with peers.client(other) as client:
        assert (await client.cancel(job_id)).state == jobs_pb2.JOB_STATE_CANCELLED
        events = await events_of(client, job_id)
        await twins_of(peers, (2, 3, 4))
        assert await events_of(client, job_id) == events
    assert [event.state for event in events if event.state in ENDED_STATES] == [jobs_pb2.JOB_STATE_CANCELLED]


@pytest.mark.fault("database locked, slow or down")
@pytest.mark.parametrize("how", ["restarted", "frozen"])
async def test_nobody_is_taken_for_dead_because_the_database_was_away(peers: Peers, how: str) -> None:
    """For longer than a lease lasts, so that all have run out."""
    jobs = await asyncio.gather(*(begun(peers, seed) for seed in (2, 3, 4)))
    before = {name: peers.taken_over(name) for name in NAMES}
    await asyncio.to_thread(peers.postgres.kill if how == "restarted" else peers.postgres.freeze)
    try:
        await asyncio.sleep(1.5 * LEASE_S)
    finally:
        await asyncio.to_thread(peers.postgres.start if how == "restarted" else peers.postgres.thaw)
    async with peers.client(NAMES[2]) as client:
        made = await asyncio.gather(*(ended(client, job_id) for job_id in jobs))
    assert {job.state for job in made} == {jobs_pb2.JOB_STATE_DONE}
    assert {name: peers.taken_over(name) for name in NAMES} == before
    assert peers.leases() == sorted(NAMES)


@pytest.mark.fault(
    "orchestrator gone for good",
    promised="On PostgreSQL another one takes its jobs over, 20 s later by default: one film, the same film.",
)
@pytest.mark.fault("orchestrator frozen while another attempt works on")
async def test_jobs_of_one_that_is_gone_and_of_one_that_is_frozen_are_taken_over(peers: Peers) -> None:
    seeds = (5, 6, 7)
    runners = dict(await asyncio.gather(*(running(peers, seed) for seed in seeds)))
    jobs = list(runners.values())
    assert set(runners) == set(NAMES)
    left, gone, frozen = NAMES
    before = peers.taken_over(left)
    peers.servers[gone].kill()
    peers.servers[frozen].process.send_signal(signal.SIGSTOP)
    try:
        async with peers.client(left) as client:
            events = await asyncio.gather(*(events_of(client, job_id) for job_id in jobs))
            made = [await client.get(job_id) for job_id in jobs]
            taken_over = peers.taken_over(left) - before
    finally:
        peers.servers[frozen].process.send_signal(signal.SIGCONT)
        await asyncio.to_thread(peers.servers[gone].start)
    assert [told(events[jobs.index(runners[name])]) for name in NAMES] == [[], [gone], [frozen]]
    assert all([event.state for event in each].count(jobs_pb2.JOB_STATE_DONE) == 1 for each in events)
    assert taken_over == 2
    twins = await twins_of(peers, seeds)
    assert [twin.outputs["film.mp4"] for twin in twins] == [job.outputs["film.mp4"] for job in made]
    async with peers.client(frozen) as client:
        assert [await client.get(job_id) for job_id in jobs] == made
        assert await asyncio.gather(*(events_of(client, job_id) for job_id in jobs)) == events


def told(events: list[jobs_pb2.JobEvent]) -> list[str]:
    """From whom a job was taken over, as its history says."""
    queued = (event.progress.message for event in events if event.state == jobs_pb2.JOB_STATE_QUEUED)
    return [found[1] for found in map(TAKEN_OVER.search, queued) if found]


OLDER = """
import sys
from orchestrator.jobs import durable
durable.WORKFLOW_PROTOCOL = "films-v1"
from orchestrator.server import serve
sys.exit(serve())
"""


@pytest.mark.fault("orchestrator replaced by another version in a job")
async def test_what_an_older_version_has_begun_and_queued_is_made_by_the_newer_one(peers: Peers) -> None:
    """Not before the older one ends: both run side by side in the middle of an upgrade."""
    url, seeds = peers.postgres.new_database(), (8, 9)
    environment = {**peers.servers[NAMES[0]].environment, "VIGENT_ORCHESTRATOR_DATABASE_URL": url}
    as_older = {**environment, "VIGENT_ORCHESTRATOR_EXECUTOR_ID": "older"}
    folder = peers.mesh.data
    with run_server("orchestrator", folder, as_older, [sys.executable, "-c", OLDER]) as older:
        side = replace(peers, url=url, servers={NAMES[0]: older})
        jobs = [await begun(side, seeds[0])]
        async with JobClient(older.address) as client:
            jobs.append((await client.submit(side.spec(seeds[1], SCRIPT))).job.id)
        with run_server("orchestrator", folder, {**environment, "VIGENT_ORCHESTRATOR_EXECUTOR_ID": "newer"}) as newer:
            running = side.runner(jobs[0])
            await asyncio.to_thread(older.stop)
            async with JobClient(newer.address) as client:
                made = await asyncio.gather(*(ended(client, job_id) for job_id in jobs))
                events = await asyncio.gather(*(events_of(client, job_id) for job_id in jobs))
    assert running == "older"
    assert {job.state for job in made} == {jobs_pb2.JOB_STATE_DONE}
    assert told(events[0]) == ["older"]
    assert "Begins again: an older version began it." in {event.progress.message for event in events[1]}


@pytest.mark.fault("database locked, slow or down")
async def test_a_job_that_was_claimed_just_as_the_database_broke_off_is_made(peers: Peers) -> None:
    """Nobody works on it, and who has claimed it is alive."""
    url = peers.postgres.new_database()
    environment = {**peers.servers[NAMES[0]].environment, "VIGENT_ORCHESTRATOR_DATABASE_URL": url}
    with run_server("orchestrator", peers.mesh.data, environment) as server:
        alone = replace(peers, url=url, servers={NAMES[0]: server})
        await begun(alone, seed=10)
        async with JobClient(server.address) as client:
            waiting = (await client.submit(alone.spec(11, "One sentence."))).job
            await until_claimed(url, waiting.id)
            job, events = await ended(client, waiting.id), await events_of(client, waiting.id)
    assert job.state == jobs_pb2.JOB_STATE_DONE
    assert "Begins again: the database was lost when it began." in {event.progress.message for event in events}


async def until_claimed(url: str, job_id: str) -> None:
    """As by the orchestrator that works on another job, when it does not hear that the database has done so."""
    claim = """UPDATE dbos.workflow_status SET status = 'PENDING', executor_id =
        (SELECT executor_id FROM dbos.workflow_status WHERE status = 'PENDING') WHERE workflow_uuid = %s"""
    claimed = 0
    while not claimed:  # it is queued a moment after it was taken
        async with await psycopg.AsyncConnection.connect(url) as connection:
            claimed = (await connection.execute(claim, (f"{job_id}-0",))).rowcount
