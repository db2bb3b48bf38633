"""A mesh whose machines share nothing but object storage, and that storage at its worst: nothing is lost."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from orchestrator.client import JobClient
from services.base.settings_file import shared_setting
from services.media.storage.opening import open_store
from services.media.store import MediaStore, media_ref
from tests.support.films import HEIGHT, WIDTH, ended, face_picture, facts_of, until
from tests.support.mesh import Server, run_server
from tests.support.object_storage import ObjectServer, object_server
from tests.support.slow_films import SCRIPT, slow_engines
from vigent.jobs.v1 import jobs_pb2

SERVICES = ("tts", "lipsync", "asr", "overlay")


@dataclass(frozen=True)
class Machines:
    """Each server on a machine of its own; the store is one more machine's."""

    servers: dict[str, Server]
    folder: Path
    storage: ObjectServer
    store: MediaStore

    @property
    def jobs(self) -> str:
        return self.servers["orchestrator"].address

    def another(self, name: str) -> MediaStore:
        """The store of a machine that has not fetched anything."""
        return open_store(self.folder / name)


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    folder = tmp_path_factory.mktemp("machines")
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        storage = stack.enter_context(object_server(folder / "s3"))
        environment = {**slow_engines(folder), **storage.environment}
        for name, value in storage.environment.items():
            patch.setenv(name, value)
        assert shared_setting("object_storage") == os.environ["VIGENT_OBJECT_STORAGE"]
        servers = {
            name: stack.enter_context(run_server(f"services.{name}", folder / name, environment)) for name in SERVICES
        }
        targets = {f"VIGENT_ORCHESTRATOR_{name.upper()}": server.address for name, server in servers.items()}
        database = {"VIGENT_ORCHESTRATOR_DATABASE_URL": f"sqlite:///{folder / 'jobs.db'}"}
        orchestrator = run_server("orchestrator", folder / "orchestrator", {**environment, **targets, **database})
        servers["orchestrator"] = stack.enter_context(orchestrator)
        addresses = {f"VIGENT_GATEWAY_{name.upper()}": server.address for name, server in servers.items()}
        gateway = run_server("gateway", folder / "gateway", {**environment, **addresses})
        servers["gateway"] = stack.enter_context(gateway)
        yield Machines(servers, folder, storage, open_store(folder / "mine"))


async def film(machines: Machines, seed: int) -> jobs_pb2.Job:
    async with JobClient(machines.jobs) as client:
        return await ended(client, (await client.submit(spec_of(machines, seed))).job.id)


def spec_of(machines: Machines, seed: int) -> jobs_pb2.JobSpec:
    footage = media_ref(machines.store.put_bytes(face_picture()))
    own = {"width": WIDTH, "height": HEIGHT, "ai_label": jobs_pb2.AI_LABEL_OFF}  # else the job's id is in the film
    return jobs_pb2.JobSpec(script=SCRIPT, footage=footage, seed=seed, **own)


def forget_pieces(machines: Machines) -> None:
    """What the orchestrator has kept by recipe is made again."""
    for key in (machines.folder / "orchestrator" / "media" / "keys").iterdir():
        key.unlink()


@pytest.mark.fault("object storage slow, failing or away")
async def test_a_film_made_through_the_worst_storage_equals_its_twin(machines: Machines) -> None:
    """One call in ten fails, all are slow, and in the middle of the film there is none at all."""
    way = machines.storage.way
    spec = spec_of(machines, seed=1)
    way.fail_every, way.delay_s = 10, 0.02
    try:
        async with JobClient(machines.jobs) as client:
            job = (await client.submit(spec)).job
            await until(client, job.id, lambda event: event.progress.segments_done >= 2)
            before = way.failed
            assert before > 0
            way.away = True
            await until(client, job.id, lambda event: event.progress.message == "Waiting for the media store.")
            assert way.failed > before
            way.away = False
            disturbed = await ended(client, job.id)
    finally:
        way.fail_every, way.delay_s, way.away = 0, 0.0, False
    assert disturbed.state == jobs_pb2.JOB_STATE_DONE, disturbed.error
    path = machines.another("reader").path(disturbed.outputs["film.mp4"].sha256)
    assert facts_of(path).frames == sum(segment.frames for segment in disturbed.segments)
    forget_pieces(machines)
    quiet = await film(machines, seed=1)
    assert quiet.outputs["film.mp4"].sha256 == disturbed.outputs["film.mp4"].sha256


async def test_a_film_is_downloaded_in_ranges_from_a_gateway_that_has_not_seen_it(machines: Machines) -> None:
    job = await film(machines, seed=2)
    whole = machines.store.path(job.outputs["film.mp4"].sha256).read_bytes()
    address = f"http://{machines.servers['gateway'].address}/api/v1/jobs/{job.id}/film.mp4"
    async with httpx.AsyncClient(timeout=120, trust_env=False) as client:
        part = await client.get(address, headers={"Range": "bytes=1000-1999"})
        last = await client.get(address, headers={"Range": "bytes=-500"})
    assert (part.status_code, part.content) == (206, whole[1000:2000])
    assert (last.status_code, last.content) == (206, whole[-500:])


async def test_the_library_is_that_of_all_gateways(machines: Machines) -> None:
    """Its index is no file of one machine."""
    address = f"http://{machines.servers['gateway'].address}/api/v1/footage"
    async with httpx.AsyncClient(timeout=120, trust_env=False) as client:
        sent = await client.post(address, files={"file": ("me.png", face_picture())})
        assert sent.status_code in {200, 201}, sent.text
        listed = (await client.get(address)).json()
    asset = sent.json()["id"]
    assert asset in str(listed)
    assert asset in (machines.another("second-gateway").documents.read("footage") or "")
    assert machines.another("second-gateway").path(asset).read_bytes() == face_picture()


async def test_no_secret_is_in_any_log(machines: Machines) -> None:
    secret = machines.storage.environment["AWS_SECRET_ACCESS_KEY"]
    logs = [path for path in machines.folder.rglob("*.log") if path.parent != machines.folder / "s3"]
    assert len(logs) >= len(machines.servers)
    assert not [path for path in logs if secret in path.read_text(encoding="utf-8", errors="replace")]
