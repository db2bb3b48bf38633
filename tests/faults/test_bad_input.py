"""Input that can never become a film: a typed error that names the field and the remedy, and the mesh goes on."""

from collections.abc import Iterator
from io import BytesIO

import av
import numpy as np
import pytest

from orchestrator.client import JobClient
from services.base.errors import InvalidInputError
from services.media.store import MediaStore
from tests.support.films import made, spec_of
from tests.support.mesh import Mesh, run_mesh
from vigent.jobs.v1 import jobs_pb2


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    with run_mesh(tmp_path_factory.mktemp("bad")) as mesh:
        yield mesh
        pids = {server.process.poll() for server in mesh.servers.values()}
        assert pids == {None}, "a server went down"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("", "EMPTY"),
        ("好" * 100_000, "TEXT_TOO_LONG"),
        ("😀🎉👍", "NOTHING_TO_SAY"),
        ("A NUL \0 inside.", "CONTROL_CHARACTER"),
    ],
)
async def test_a_script_that_cannot_be_spoken_is_refused_at_once(mesh: Mesh, script: str, reason: str) -> None:
    async with JobClient(mesh.jobs) as client:
        with pytest.raises(InvalidInputError) as caught:
            await client.submit(spec_of(mesh, script))
    assert (caught.value.field, caught.value.reason) == ("spec.script", reason)
    assert caught.value.remedy


@pytest.mark.parametrize(("field", "value"), [("voice", "nobody"), ("language", "tlh")])
async def test_an_unknown_voice_or_language_is_named(mesh: Mesh, field: str, value: str) -> None:
    job = await made(mesh, spec_of(mesh, "Hello.", **{field: value}))
    assert job.state == jobs_pb2.JOB_STATE_FAILED
    assert job.error.field == f"spec.{field}"
    assert value in job.error.message
    assert job.error.remedy


def sound_only() -> bytes:
    file = BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=48_000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 48_000), np.float32), format="fltp", layout="mono")
        frame.rate = 48_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def truncated() -> bytes:
    file = BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for _ in range(10):
            container.mux(stream.encode(av.VideoFrame(320, 240, "yuv420p")))
        container.mux(stream.encode(None))
    return file.getvalue()[:-400]


FILES = {"text": b"this is no film", "empty": b"", "sound": sound_only(), "truncated": truncated()}


@pytest.mark.fault(
    "broken, cut or odd media",
    promised="INVALID_ARGUMENT with the field and the reason, before any work; it is read in a limited child.",
)
@pytest.mark.parametrize("kind", FILES)
async def test_footage_that_cannot_be_filmed_fails_before_any_work(mesh: Mesh, kind: str) -> None:
    spec = spec_of(mesh, "Hello.")
    stored = MediaStore(mesh.media_root).put_bytes(FILES[kind])
    spec.footage.sha256 = stored.sha256
    job = await made(mesh, spec)
    assert job.state == jobs_pb2.JOB_STATE_FAILED
    assert job.error.field == "spec.footage"
    assert job.error.remedy
    assert "Traceback" not in job.error.message
    assert not job.segments


@pytest.mark.fault("broken, cut or odd media")
async def test_music_that_cannot_be_played_is_named(mesh: Mesh) -> None:
    spec = spec_of(mesh, "Hello.")
    spec.music.sha256 = MediaStore(mesh.media_root).put_bytes(b"this is no music").sha256
    job = await made(mesh, spec)
    assert (job.state, job.error.field) == (jobs_pb2.JOB_STATE_FAILED, "spec.music")


@pytest.mark.fault("message over the limit")
async def test_an_oversized_message_is_refused_and_the_server_goes_on(mesh: Mesh) -> None:
    async with JobClient(mesh.jobs) as client:
        with pytest.raises(InvalidInputError, match="large"):
            await client.submit(jobs_pb2.JobSpec(script="x" * (9 * 2**20)))
        assert await client.list_page()


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "..", "a" * 64 + "/.."])
async def test_path_tricks_lead_nowhere(mesh: Mesh, name: str) -> None:
    spec = spec_of(mesh, "Hello.")
    spec.footage.sha256 = name
    async with JobClient(mesh.jobs) as client:
        with pytest.raises(InvalidInputError) as caught:
            await client.submit(spec)
    assert caught.value.field == "spec.footage"
