"""The folder of the media store vanishes or can only be read: typed errors, readiness tells, and all goes on after."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from orchestrator.client import JobClient
from services.base.disk import STORE_AWAY
from services.base.errors import UnavailableError
from tests.support.films import ended, face_picture, facts_of, output, spec_of, until
from tests.support.mesh import Mesh, Server, run_mesh, run_server
from tests.support.slow_films import SCRIPT, slow_engines
from tests.support.small_disk import SmallDisk, small_disk


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallDisk]:
    with small_disk(tmp_path_factory.mktemp("vanished") / "disk", 64) as disk:
        yield disk


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mesh")


@pytest.fixture(scope="module")
def settings(folder: Path, disk: SmallDisk) -> dict[str, str]:
    floor = {"VIGENT_ORCHESTRATOR_LEAST_FREE_BYTES": "0"}
    return slow_engines(folder) | floor | {"VIGENT_MEDIA_ROOT": str(disk.path / "media")}


@pytest.fixture(scope="module")
def mesh(folder: Path, settings: dict[str, str]) -> Iterator[Mesh]:
    with run_mesh(folder, settings) as mesh:
        yield mesh


@pytest.fixture(scope="module")
def gateway(mesh: Mesh, folder: Path, settings: dict[str, str]) -> Iterator[Server]:
    with run_server("gateway", folder, settings | {"VIGENT_GATEWAY_ORCHESTRATOR": mesh.jobs}) as gateway:
        yield gateway


@asynccontextmanager
async def http_of(gateway: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://{gateway.address}", trust_env=False, timeout=60) as http:
        yield http


@pytest.mark.fault(
    "folder of the media store vanished or read-only",
    promised="503, and readiness says so; jobs wait, and go on when it is back.",
)
@pytest.mark.parametrize("fault", ["moved away", "read-only"])
async def test_a_store_that_is_away_is_told_and_waited_for(
    mesh: Mesh, gateway: Server, disk: SmallDisk, fault: str
) -> None:
    spec = spec_of(Mesh(disk.path, {}), SCRIPT, seed=len(fault))
    async with JobClient(mesh.jobs) as client, http_of(gateway) as http:
        job = (await client.submit(spec)).job
        await until(client, job.id, lambda event: event.progress.segments_done >= 1)
        with disk.read_only() if fault == "read-only" else disk.moved_away("media"):
            waiting = "Waiting for the media store."
            await until(client, job.id, lambda event: event.progress.message == waiting)
            with pytest.raises(UnavailableError) as caught:
                await client.submit(spec)
            upload = await http.post("/api/v1/footage", files={"file": ("face.png", face_picture())})
            readiness = await http.get("/readyz")
        job = await ended(client, job.id)
    assert caught.value.reason == STORE_AWAY
    assert (upload.status_code, upload.json()["reason"]) == (503, STORE_AWAY)
    assert int(upload.headers["Retry-After"]) > 0
    assert readiness.status_code == 503
    assert "media store" in readiness.json()["replicas"][0]["problem"]
    assert facts_of(output(Mesh(disk.path, {}), job, "film.mp4")).frames == sum(piece.frames for piece in job.segments)
    for log in (mesh.servers["orchestrator"].log, gateway.log):
        assert "Traceback" not in log.read_text(encoding="utf-8")
