"""kill -9 of each process in the middle of a job: one film, the same film, and nothing finished is made again."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.client import JobClient
from services.media.store import MediaStore
from tests.support.films import ended, facts_of, output, spec_of, until
from tests.support.mesh import Mesh, run_mesh
from tests.support.slow_films import SCRIPT, SENTENCES, slow_engines
from vigent.jobs.v1 import jobs_pb2

WHOM = {
    "tts": "a voice server",
    "lipsync": "a lip-sync server",
    "asr": "a listening server",
    "overlay": "an overlay server",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("faults")


@pytest.fixture(scope="module")
def mesh(folder: Path) -> Iterator[Mesh]:
    with run_mesh(folder, slow_engines(folder)) as mesh:
        yield mesh


@pytest.fixture(scope="module")
def undisturbed(mesh: Mesh) -> jobs_pb2.Job:
    async def make() -> jobs_pb2.Job:
        async with JobClient(mesh.jobs) as client:
            return await ended(client, (await client.submit(spec_of(mesh, SCRIPT, seed=1))).job.id)

    return asyncio.run(make())


def calls(folder: Path, service: str) -> int:
    """Calls that the engine of a service has begun."""
    log = folder / f"{service}.log"
    return Counter(log.read_text(encoding="utf-8").splitlines())["call"] if log.exists() else 0


VICTIMS = ["tts", "lipsync", "asr", "overlay", "orchestrator", "tts worker", "lipsync worker"]


@pytest.mark.fault(
    "server killed",
    promised="Jobs wait for it and go on; nothing finished is made again, and there is one film.",
)
@pytest.mark.parametrize("victim", VICTIMS)
async def test_a_killed_process_costs_no_finished_work(
    mesh: Mesh, folder: Path, undisturbed: jobs_pb2.Job, victim: str
) -> None:
    expected = facts_of(output(mesh, undisturbed, "film.mp4"))
    spec = spec_of(mesh, SCRIPT, seed=2 + VICTIMS.index(victim))  # a seed of its own, so no piece is found
    before = {service: calls(folder, service) for service in ("tts", "lipsync")}
    async with JobClient(mesh.jobs) as client:
        job = (await client.submit(spec)).job
        event = await until(client, job.id, lambda event: event.progress.segments_done >= 2)
        await asyncio.to_thread(_kill, mesh, victim)
        job = await ended(client, job.id)
    film = output(mesh, job, "film.mp4")
    facts = facts_of(film)
    assert (facts.frames, facts.video_s, facts.audio_s) == (expected.frames, expected.video_s, expected.audio_s)
    in_flight = 2
    for service, calls_before in before.items():
        made = calls(folder, service) - calls_before
        assert made <= SENTENCES + in_flight, f"{service} began {made} calls"
        assert event.progress.segments_done + made >= SENTENCES
    finished = [segment.film.sha256 for segment in job.segments]
    assert all(MediaStore(mesh.media_root).path(sha256).exists() for sha256 in finished)


def _kill(mesh: Mesh, victim: str) -> None:
    name, _, worker = victim.partition(" ")
    server = mesh.servers[name]
    if worker:
        server.worker().kill()
    else:
        server.kill()
        server.start()


async def test_servers_that_are_long_away_are_waited_for(tmp_path: Path) -> None:
    """Longer than there are attempts; who looks at the job is told."""
    with run_mesh(tmp_path, slow_engines(tmp_path) | {"VIGENT_ORCHESTRATOR_ATTEMPTS": "1"}) as mesh:
        async with JobClient(mesh.jobs) as client:
            script = SCRIPT + SCRIPT.replace("Sentence", "Line")  # each sentence once, or its words would be found
            job = (await client.submit(spec_of(mesh, script))).job
            for segments_done, victim in enumerate(WHOM, start=1):
                await until(client, job.id, lambda event, least=segments_done: event.progress.segments_done >= least)
                await asyncio.to_thread(mesh.servers[victim].kill)
                waiting = f"Waiting for {WHOM[victim]} at {mesh.servers[victim].address}."
                await until(client, job.id, lambda event, said=waiting: event.progress.message == said)
                await asyncio.to_thread(mesh.servers[victim].start)
            job = await ended(client, job.id)
    assert job.progress.message == "The film is finished."


@pytest.mark.fault("orchestrator replaced by another version in a job")
async def test_an_orchestrator_told_to_stop_goes_on_after_its_start(mesh: Mesh, undisturbed: jobs_pb2.Job) -> None:
    async with JobClient(mesh.jobs) as client:
        job = (await client.submit(spec_of(mesh, SCRIPT, seed=100))).job
        await until(client, job.id, lambda event: event.progress.segments_done >= 1)
        server = mesh.servers["orchestrator"]
        assert await asyncio.to_thread(server.stop) == 0
        await asyncio.to_thread(server.start)
        job = await ended(client, job.id)
    expected = facts_of(output(mesh, undisturbed, "film.mp4"))
    assert facts_of(output(mesh, job, "film.mp4")).frames == expected.frames
