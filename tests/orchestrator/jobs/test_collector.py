"""What no job needs any more is removed, and nothing else: on a real mesh, with real films."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import av
import pytest

from orchestrator.client import JobClient
from services.base.errors import FailedPreconditionError, InvalidInputError
from services.media.storage.inventory import Kind
from services.media.store import MediaStore, recipe_key
from tests.support.films import ended, made, output, spec_of, until
from tests.support.mesh import Mesh, run_mesh
from tests.support.servers import poll
from tests.support.slow_films import SCRIPT, slow_engines
from tests.support.small_disk import SmallDisk, small_disk
from vigent.jobs.v1 import jobs_pb2

MIB = 2**20
SECRET = "Nobody may read this sentence later."
OFF = {"ai_label": jobs_pb2.AI_LABEL_OFF}  # else the job's id is in the film
WHOLE = {Kind.CONTENT, Kind.KEY}


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallDisk]:
    with small_disk(tmp_path_factory.mktemp("disks") / "disk", 96) as disk:
        yield disk


@pytest.fixture(scope="module")
def mesh(disk: SmallDisk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    folder = tmp_path_factory.mktemp("mesh")
    settings = {
        "VIGENT_ORCHESTRATOR_LEAST_FREE_BYTES": str(4 * MIB),
        "VIGENT_ORCHESTRATOR_DATABASE_URL": f"sqlite:///{disk.path / 'jobs.db'}",
        "VIGENT_ORCHESTRATOR_CLEAN_INTERVAL_S": "0",
        "VIGENT_ORCHESTRATOR_CLEAN_GRACE_S": "0",
        "VIGENT_ORCHESTRATOR_CLEAN_SETTLE_S": "0.1",
        "VIGENT_MEDIA_ROOT": str(disk.path / "media"),
    }
    with run_mesh(folder, slow_engines(folder) | settings) as mesh:
        yield Mesh(disk.path, mesh.servers)


@pytest.fixture
def store(mesh: Mesh) -> MediaStore:
    return MediaStore(mesh.media_root)


def held(store: MediaStore, *kinds: Kind) -> set[tuple[Kind, str, int]]:
    return {(entry.kind, entry.name, entry.size_bytes) for entry in store.entries() if entry.kind in (kinds or WHOLE)}


def rows_with(mesh: Mesh, text: str) -> list[str]:
    """Tables of the jobs' database in which a text stands."""
    with closing(sqlite3.connect(mesh.data / "jobs.db")) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return [name for name in tables if any(text in str(row) for row in db.execute(f'SELECT * FROM "{name}"'))]


async def cleaned(mesh: Mesh, **options: object) -> dict[str, tuple[int, int]]:
    async with JobClient(mesh.jobs) as client:
        return {kind.what: (kind.count, kind.size_bytes) for kind in await client.clean(**options)}


async def all_old(mesh: Mesh, store: MediaStore) -> None:
    """Nothing was used within the last moment, which a clean without grace time leaves alone."""
    newest = max(entry.used_s for entry in store.entries())

    def is_old() -> bool:
        probe = store.root / "probe"
        probe.touch()
        return probe.stat().st_ctime > newest + 0.3

    await poll(is_old)


async def delete(mesh: Mesh, job_id: str) -> None:
    async with JobClient(mesh.jobs) as client:
        await client.delete(job_id)


async def test_the_film_takes_the_place_of_its_preview(mesh: Mesh, store: MediaStore) -> None:
    async with JobClient(mesh.jobs) as client:
        job = (await client.submit(spec_of(mesh, SCRIPT, seed=1))).job
        await until(client, job.id, lambda event: event.progress.segments_done >= 3)
        preview = (await client.get(job.id)).outputs["preview.mp4"].sha256
        job = await ended(client, job.id)
    assert preview
    assert set(job.outputs) >= {"film.mp4", "cover.jpg"}
    assert "preview.mp4" not in job.outputs
    await poll(lambda: not [name for _, name, _ in held(store, Kind.CONTENT) if name == preview])


@pytest.mark.fault(
    "a work is deleted",
    promised="Its own files and its script are gone; what others need stays. The disk is as if it had never been made.",
)
async def test_a_deleted_work_leaves_what_others_need_and_nothing_else(mesh: Mesh, store: MediaStore) -> None:
    kept = await made(mesh, spec_of(mesh, SCRIPT, seed=1, **OFF))
    await all_old(mesh, store)
    await cleaned(mesh)
    alone = held(store)
    other = await made(mesh, spec_of(mesh, f"{SCRIPT}{SECRET}", seed=1))
    assert len(held(store)) > len(alone)
    assert {"vigent_jobs", "operation_outputs"} <= set(rows_with(mesh, SECRET))
    await all_old(mesh, store)
    await delete(mesh, other.id)
    only = {name for kind, name, _ in alone if kind is Kind.CONTENT}
    await poll(lambda: {name for _, name, _ in held(store, Kind.CONTENT)} == only)
    assert rows_with(mesh, SECRET) == []
    await all_old(mesh, store)
    await cleaned(mesh)
    assert held(store) == alone
    assert output(mesh, kept, "film.mp4").stat().st_size == kept.outputs["film.mp4"].size_bytes


async def test_a_dry_run_tells_the_truth_and_removes_nothing(mesh: Mesh, store: MediaStore) -> None:
    orphan = store.put_bytes(b"nobody needs it" * 1000)
    store.remember(recipe_key("orphan"), orphan)
    (store.root / "tmp" / "left").write_bytes(bytes(5000))
    (store.root / "damaged" / orphan.sha256).write_bytes(bytes(300))
    await all_old(mesh, store)
    before = held(store, *Kind)
    would = await cleaned(mesh, dry_run=True)
    assert held(store, *Kind) == before
    assert {size for _, size in would.values()} >= {15000, 5000, 300}
    assert await cleaned(mesh) == would
    assert await cleaned(mesh, dry_run=True) == {}
    assert sum(size for *_, size in before) - sum(size for *_, size in held(store, *Kind)) == sum(
        size for _, size in would.values()
    )


def differences(*films: Path) -> str:
    """What of two films is not the same: the numbers of the pictures, and whether the sound is."""
    pictures, sounds = [], []
    for film in films:
        with av.open(str(film)) as container:
            pictures.append([hash(frame.to_ndarray().tobytes()) for frame in container.decode(video=0)])
        with av.open(str(film)) as container:
            sounds.append([frame.to_ndarray().tobytes() for frame in container.decode(audio=0)])
    other = [number for number, (one, two) in enumerate(zip(*pictures, strict=False)) if one != two]
    return f"pictures {other} of {len(pictures[0])} and {len(pictures[1])}; the sound is {sounds[0] == sounds[1]}"


async def test_a_film_made_again_equals_itself(mesh: Mesh, store: MediaStore) -> None:
    """Also when its pieces are gone."""
    spec = spec_of(mesh, SCRIPT, seed=1, **OFF)
    first = await made(mesh, spec)
    await all_old(mesh, store)
    gone = await cleaned(mesh, finished_pieces=True)
    assert sum(size for _, size in gone.values()) > sum(file.size_bytes for file in first.outputs.values()) / 2
    assert output(mesh, first, "film.mp4").stat().st_size == first.outputs["film.mp4"].size_bytes
    second = await made(mesh, spec)
    assert {name: file.sha256 for name, file in second.outputs.items() if name != "report.json"} == {
        name: file.sha256 for name, file in first.outputs.items() if name != "report.json"
    }, differences(*(output(mesh, job, "film.mp4") for job in (first, second)))


@pytest.mark.fault("everything is cleaned while a film is made", promised="The film is that of a quiet hour.")
async def test_cleaning_all_the_while_disturbs_no_film(mesh: Mesh, store: MediaStore) -> None:
    spec = spec_of(mesh, f"{SCRIPT}And one more.", seed=1, **OFF)
    stop = asyncio.Event()

    async def clean_on() -> int:
        rounds = 0
        while not stop.is_set():
            await cleaned(mesh, finished_pieces=True)
            rounds += 1
        return rounds

    cleaning = asyncio.create_task(clean_on())
    async with JobClient(mesh.jobs) as client:
        job = (await client.submit(spec)).job
        await until(client, job.id, lambda event: event.progress.segments_done >= 2)
        await client.cancel(job.id)
        await client.retry(job.id)
        disturbed = await ended(client, job.id)
    stop.set()
    assert await cleaning > 1
    quiet = await made(mesh, spec)
    assert output(mesh, disturbed, "film.mp4") == output(mesh, quiet, "film.mp4")


async def test_what_a_library_names_stays_with_the_font_of_a_style(mesh: Mesh, store: MediaStore) -> None:
    font, asset = store.put_bytes(b"a font"), store.put_bytes(b"an upload")
    made_of_it = store.put_bytes(b"its poster")
    store.remember(recipe_key("look"), made_of_it)
    style = store.put_bytes(f'{{"font": {{"id": "{font.sha256}"}}}}'.encode())
    named = f'{{"entries": [{{"id": "{asset.sha256}"}}, "{recipe_key("look")}", "{style.sha256}"]}}'
    store.documents.edit("footage", lambda _: named)
    await all_old(mesh, store)
    await cleaned(mesh)
    kept = {name for _, name, _ in held(store, Kind.CONTENT)}
    assert {asset.sha256, made_of_it.sha256, style.sha256} <= kept
    assert font.sha256 not in kept  # a style in a library holds its font's name itself
    store.documents.edit("footage", lambda _: f"[{font.sha256!r}]")
    await cleaned(mesh)
    assert asset.sha256 not in {name for _, name, _ in held(store, Kind.CONTENT)}


async def test_room_is_made_before_a_job_is_refused(mesh: Mesh, store: MediaStore, disk: SmallDisk) -> None:
    spec = spec_of(mesh, SCRIPT, seed=1, **OFF)
    store.put_bytes(bytes(16 * MIB))
    await all_old(mesh, store)
    disk.fill(left_bytes=MIB)
    try:
        async with JobClient(mesh.jobs) as client:
            job = await ended(client, (await client.submit(spec)).job.id)
    finally:
        disk.empty()
    assert job.state == jobs_pb2.JOB_STATE_DONE


async def test_jobs_that_are_made_are_not_deleted_and_grace_times_are_times(mesh: Mesh) -> None:
    async with JobClient(mesh.jobs) as client:
        job = (await client.submit(spec_of(mesh, SCRIPT, seed=77))).job
        with pytest.raises(FailedPreconditionError):
            await client.delete(job.id)
        await client.cancel(job.id)
        for wrong in (-1.0, float("nan")):
            with pytest.raises(InvalidInputError) as caught:
                await client.clean(wrong)
            assert caught.value.field == "grace_s"
