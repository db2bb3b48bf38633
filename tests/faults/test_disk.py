"""A full disk: jobs wait and say so, new ones are refused, and with room all goes on. No job is lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.http.replicas import MeshWatch, ServiceState
from gateway.settings import GatewaySettings
from orchestrator.client import JobClient
from orchestrator.jobs.room import needed_bytes
from services.base.disk import DISK_FULL
from services.base.errors import ExhaustedError, VigentError
from services.media.store import MediaStore
from tests.support.films import ended, facts_of, output, spec_of, until
from tests.support.mesh import Mesh, run_mesh
from tests.support.servers import poll
from tests.support.slow_films import SCRIPT, slow_engines
from tests.support.small_disk import SmallDisk, small_disk
from vigent.jobs.v1 import jobs_pb2

MIB = 2**20
LEAST_FREE_BYTES = 4 * MIB


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallDisk]:
    with small_disk(tmp_path_factory.mktemp("disks") / "disk", 64) as disk:
        yield disk


@pytest.fixture(scope="module")
def mesh(disk: SmallDisk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    """Media and jobs are on the disk, logs are not."""
    folder = tmp_path_factory.mktemp("mesh")
    settings = {
        "VIGENT_ORCHESTRATOR_LEAST_FREE_BYTES": str(LEAST_FREE_BYTES),
        "VIGENT_ORCHESTRATOR_DATABASE_URL": f"sqlite:///{disk.path / 'jobs.db'}",
        "VIGENT_MEDIA_ROOT": str(disk.path / "media"),
    }
    with run_mesh(folder, slow_engines(folder) | settings) as mesh:
        yield Mesh(disk.path, mesh.servers)


async def submitted(client: JobClient, mesh: Mesh, *seeds: int) -> list[str]:
    return [(await client.submit(spec_of(mesh, SCRIPT, seed=seed))).job.id for seed in seeds]


async def readiness(mesh: Mesh) -> ServiceState:
    watch = MeshWatch(GatewaySettings.load("gateway", orchestrator=mesh.jobs))
    try:
        return await watch.service("orchestrator")
    finally:
        await watch.close()


@pytest.mark.fault(
    "disk full",
    promised="Jobs wait and say so, those that would not fit are not begun, new ones get 507 and when to come back, "
    "readiness tells; with room all goes on. No job is lost.",
)
async def test_jobs_wait_for_room_and_new_ones_are_refused(mesh: Mesh, disk: SmallDisk) -> None:
    spec = spec_of(mesh, SCRIPT, seed=9)
    async with JobClient(mesh.jobs) as client:
        jobs = await submitted(client, mesh, 1, 2)
        await until(client, jobs[0], lambda event: event.progress.segments_done >= 1)
        disk.fill(left_bytes=2 * MIB)
        try:
            await until(client, jobs[0], lambda event: event.progress.message == "Waiting for room on the disk.")
            with pytest.raises(ExhaustedError) as caught:
                await client.submit(spec)
            orchestrator = await readiness(mesh)
        finally:
            disk.empty()
        made = [await ended(client, job) for job in jobs]
    assert caught.value.reason == DISK_FULL
    assert caught.value.retry_after_s
    assert not orchestrator.ok
    assert "MiB left" in orchestrator.replicas[0].problem
    assert (await readiness(mesh)).ok
    assert [facts_of(output(mesh, job, "film.mp4")).frames for job in made] == [whole_frames(job) for job in made]


@pytest.mark.fault("disk full")
async def test_no_job_is_lost_when_nothing_at_all_can_be_written(mesh: Mesh, disk: SmallDisk) -> None:
    """Neither pieces nor the database: what cannot be recorded is made again."""
    spec = spec_of(mesh, SCRIPT, seed=9)
    async with JobClient(mesh.jobs) as client:
        jobs = await submitted(client, mesh, 3, 4)
        for segments_done in (1, 3):
            await until(client, jobs[0], lambda event, least=segments_done: event.progress.segments_done >= least)
            waits = waits_of(mesh)
            disk.fill()
            try:
                await poll(lambda before=waits: waits_of(mesh) > before + 2)
                with pytest.raises(VigentError) as caught:
                    await client.submit(spec)
            finally:
                disk.empty()
            assert caught.value.reason == DISK_FULL
        made = [await ended(client, job) for job in jobs]
        every = [job async for job in client.list_all()]
    assert {job.state for job in every} == {jobs_pb2.JOB_STATE_DONE}
    assert [facts_of(output(mesh, job, "film.mp4")).frames for job in made] == [whole_frames(job) for job in made]


@pytest.mark.fault("disk full")
async def test_a_film_for_which_there_is_no_room_is_not_begun(mesh: Mesh, disk: SmallDisk) -> None:
    """There is room for new jobs, and for half of this one."""
    spec = spec_of(mesh, SCRIPT, seed=11)
    async with JobClient(mesh.jobs) as client:
        disk.fill(left_bytes=LEAST_FREE_BYTES + needed_bytes(spec, MediaStore(mesh.media_root)) // 2)
        try:
            (job,) = await submitted(client, mesh, 11)
            await until(client, job, lambda event: event.progress.message == "Waiting for room on the disk.")
            waiting = await client.get(job)
        finally:
            disk.empty()
        made = await ended(client, job)
    assert waiting.progress.stage == "prepare"
    assert not waiting.segments
    assert facts_of(output(mesh, made, "film.mp4")).frames == whole_frames(made)


def waits_of(mesh: Mesh) -> int:
    """How often the orchestrator began to wait, for room on the disk or for the database on it."""
    return mesh.servers["orchestrator"].log.read_text(encoding="utf-8").count("waiting for ")


def whole_frames(job: jobs_pb2.Job) -> int:
    return sum(segment.frames for segment in job.segments)
