"""Two lip-sync servers that `vigent up` started: both work on a film, and one is enough while the other is away."""

import asyncio
import re
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.mesh.lock import running_mesh
from orchestrator.client import JobClient
from services.media.store import MediaStore, media_ref
from tests.gateway.conftest import PATIENT
from tests.support.commands import TIMEOUT_S, Running, running, until
from tests.support.films import HEIGHT, JOB_TIMEOUT_S, WIDTH, ended, face_picture, facts_of
from vigent.jobs.v1 import jobs_pb2

UP = r"Vigent is up: (http://[\d.:]+)"
SCRIPT = "First, one replica. Then another. Both have work to do. 两个都在工作。"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("replicas")


@pytest.fixture(scope="module")
def up(folder: Path) -> Iterator[Running]:
    environment = {**PATIENT, "VIGENT_LIPSYNC_REPLICAS": "2"}
    with running("up", "--data", "data", "--port-base", "0", cwd=folder, environment=environment) as started:
        started.until(UP)
        yield started
        started.process.send_signal(signal.SIGINT)
        assert started.process.wait(TIMEOUT_S) == 0


def row_of(up: Running, name: str) -> list[str]:
    """The line of a process in the table: name, engine, device, address, metrics."""
    return next(line.split() for line in up.lines if re.match(rf"\s*{name} +\w+ +\w+ +[\d.]+:", line))


def calls(page: str) -> float:
    """Lip-sync streams that a server has finished well, from its own metrics."""
    families = text_string_to_metric_families(httpx.get(page, trust_env=False, timeout=TIMEOUT_S).text)
    samples = [sample for family in families for sample in family.samples if sample.name == "vigent_requests_total"]
    return sum(
        sample.value for sample in samples if sample.labels["method"] == "Lipsync" and sample.labels["code"] == "OK"
    )


async def film(folder: Path) -> tuple[jobs_pb2.Job, Path]:
    store = MediaStore(folder / "data" / "media")
    spec = jobs_pb2.JobSpec(
        script=SCRIPT, width=WIDTH, height=HEIGHT, footage=media_ref(store.put_bytes(face_picture()))
    )
    address = running_mesh(folder / "data").addresses["orchestrator"]
    async with asyncio.timeout(JOB_TIMEOUT_S), JobClient(address) as client:
        job = await ended(client, (await client.submit(spec)).job.id)
    assert job.state == jobs_pb2.JOB_STATE_DONE, job.error
    return job, store.path(job.outputs["film.mp4"].sha256)


def test_both_work_on_a_film(up, folder):
    rows = [row_of(up, name) for name in ("lipsync", "lipsync-2")]
    assert [row[1:3] for row in rows] == [["warp", "cpu"], ["warp", "cpu"]]
    assert rows[0][3] != rows[1][3]
    job, path = asyncio.run(film(folder))
    assert facts_of(path).frames > 100
    served = [calls(row[4]) for row in rows]
    assert sum(served) == job.progress.segments_done == 4
    assert min(served) >= 1


def test_one_is_enough_while_the_other_is_started_again(up):
    url = up.until(UP)[1]
    second = next(child for child in up.children() if _ports(child) & {int(row_of(up, "lipsync-2")[3].split(":")[1])})
    after = len(up.lines)
    second.kill()
    up.until(r"lipsync-2 .*supervisor: exited with code -9; restarting", after)
    probe = httpx.get(f"{url}/probe/lipsync", trust_env=False, timeout=TIMEOUT_S)
    assert probe.status_code == 200
    assert len(probe.json()["replicas"]) == 2
    up.until(r"lipsync-2 .*ready on", after)
    assert until(lambda: _health(url) == ["SERVING", "SERVING"])


def _ports(process) -> set[int]:
    with suppress(psutil.NoSuchProcess):  # not all of them stay
        return {found.laddr.port for found in process.net_connections("tcp") if found.status == "LISTEN"}
    return set()


def _health(url: str) -> list[str]:
    replicas = httpx.get(f"{url}/probe/lipsync", trust_env=False, timeout=TIMEOUT_S).json()["replicas"]
    return [replica["health"] for replica in replicas]
