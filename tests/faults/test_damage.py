"""A byte of a stored file flips: it is noticed, a piece is made again and told, and nothing damaged is handed out."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from orchestrator.client import JobClient
from services.base.errors import NotFoundError
from services.media.store import DAMAGED
from tests.support.films import ended, facts_of, output, spec_of, until
from tests.support.mesh import Mesh, run_mesh, run_server
from tests.support.slow_films import SCRIPT, slow_engines
from vigent.jobs.v1 import jobs_pb2


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damage")


@pytest.fixture(scope="module")
def mesh(folder: Path) -> Iterator[Mesh]:
    with run_mesh(folder, slow_engines(folder)) as mesh:
        yield mesh


def flip(mesh: Mesh, sha256: str) -> None:
    """Changes a byte in the middle, and neither size nor time, as a disk does."""
    path = mesh.media_root / "content" / sha256[:2] / sha256
    stat, data = path.stat(), bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def lipsync_calls(folder: Path) -> int:
    return (folder / "lipsync.log").read_text(encoding="utf-8").count("call")


def damaged_pieces(mesh: Mesh, job: jobs_pb2.Job) -> list[str]:
    report: dict[str, list[str]] = json.loads(output(mesh, job, "report.json").read_text(encoding="utf-8"))
    return report["damaged_pieces"]


@pytest.mark.fault(
    "stored file damaged",
    promised="Noticed before it is read; a piece is made again and the report says so, anything else is refused.",
)
async def test_a_piece_that_is_damaged_is_made_again_and_the_report_says_so(mesh: Mesh, folder: Path) -> None:
    async with JobClient(mesh.jobs) as client:
        first = await ended(client, (await client.submit(spec_of(mesh, SCRIPT, seed=1))).job.id)
        film, voice = first.segments[1].film.sha256, first.segments[2].voice.sha256  # no other sentence is as long
        for sha256 in (film, voice):
            flip(mesh, sha256)
    await asyncio.to_thread(mesh.servers["orchestrator"].kill)  # this one has read them already
    await asyncio.to_thread(mesh.servers["orchestrator"].start)
    calls = lipsync_calls(folder)
    async with JobClient(mesh.jobs) as client:
        second = await ended(client, (await client.submit(spec_of(mesh, SCRIPT, seed=1))).job.id)
    assert damaged_pieces(mesh, first) == []
    assert damaged_pieces(mesh, second) == sorted([film, voice])
    assert [segment.film.sha256 for segment in second.segments] == [segment.film.sha256 for segment in first.segments]
    assert lipsync_calls(folder) <= calls + 2  # of the film, and of the one whose voice is spoken again meanwhile
    assert facts_of(output(mesh, second, "film.mp4")) == facts_of(output(mesh, first, "film.mp4"))


@pytest.mark.fault("stored file damaged")
async def test_a_piece_that_is_damaged_before_the_film_is_joined_costs_no_job(mesh: Mesh) -> None:
    async with JobClient(mesh.jobs) as client:
        job = (await client.submit(spec_of(mesh, SCRIPT, seed=2))).job
        await until(client, job.id, lambda event: event.progress.segments_done >= 1)
        begun = await client.get(job.id)
        piece = next(segment.film.sha256 for segment in begun.segments if segment.film.sha256)
        path = mesh.media_root / "content" / piece[:2] / piece
        path.write_bytes(path.read_bytes()[:-100])
        job = await ended(client, job.id)
    assert damaged_pieces(mesh, job) == [piece]
    assert facts_of(output(mesh, job, "film.mp4")).frames == sum(segment.frames for segment in job.segments)


@pytest.mark.fault("stored file damaged")
async def test_a_damaged_film_is_not_served_under_its_hash(mesh: Mesh, folder: Path) -> None:
    async with JobClient(mesh.jobs) as client:
        job = await ended(client, (await client.submit(spec_of(mesh, "One sentence.", seed=3))).job.id)
    flip(mesh, job.outputs["film.mp4"].sha256)
    settings = {"VIGENT_GATEWAY_ORCHESTRATOR": mesh.jobs}
    with run_server("gateway", folder, settings) as gateway:
        url = f"http://{gateway.address}/api/v1/jobs/{job.id}"
        async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
            film, captions = await http.get(f"{url}/film.mp4"), await http.get(f"{url}/captions.srt")
    assert (film.status_code, film.json()["reason"]) == (404, DAMAGED)
    assert captions.status_code == 200


@pytest.mark.fault("stored file damaged")
async def test_damaged_footage_is_asked_for_again(mesh: Mesh) -> None:
    spec = spec_of(mesh, SCRIPT, seed=4, width=272)
    path = mesh.media_root / "content" / spec.footage.sha256[:2] / spec.footage.sha256
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    async with JobClient(mesh.jobs) as client:
        for _ in range(2):
            with pytest.raises(NotFoundError, match="damaged") as caught:
                await client.submit(spec)
            assert caught.value.field == "spec.footage"
        spec_of(mesh, SCRIPT)  # uploads it again
        await client.cancel((await client.submit(spec)).job.id)
