"""`vigent.client` at a real gateway over a real mesh."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway.conftest import NOBODY, PATIENT
from tests.support.commands import TIMEOUT_S
from tests.support.cutting import cut_after
from tests.support.film_jobs import LONG, SCRIPT
from tests.support.films import face_picture
from tests.support.gateway_media import write_sound
from tests.support.keys import made
from tests.support.mesh import ROOT, Mesh, Server, run_server
from vigent.client import (
    AsyncClient,
    Client,
    FilmRequest,
    Footage,
    InternalError,
    InvalidInputError,
    JobView,
    Music,
    NotFoundError,
    PermissionDeniedError,
    ScriptRequest,
    Style,
    UnauthenticatedError,
    UnavailableError,
    VigentError,
    Voice,
    VoiceDescription,
)

OUTPUTS = ("film.mp4", "captions.srt", "captions.vtt", "captions.ass", "words.json", "cover.jpg", "report.json")


def asked(script: str = SCRIPT, **fields) -> FilmRequest:
    return FilmRequest(script=script, width=270, height=480, **fields)


@pytest.fixture(scope="module")
def client(film_gateway: Server) -> Iterator[Client]:
    with Client(f"http://{film_gateway.address}", timeout_s=TIMEOUT_S) as client:
        yield client


@pytest.fixture(scope="module")
def done(client: Client) -> JobView:
    """A film of the bundled presenter."""
    job = client.make(asked(title="By a program"), idempotency_key="by a program")
    assert client.make(asked(title="By a program"), idempotency_key="by a program").id == job.id
    done = client.finished(job.id)
    assert done.state == "done", done.error
    return done


def test_a_film_is_followed_and_fetched(client: Client, done: JobView, tmp_path: Path) -> None:
    events = list(client.events(done.id))
    assert [event.id for event in events] == list(range(1, len(events) + 1))
    assert (events[-1].state, events[-1].progress.percent) == ("done", 100)
    assert list(client.events(done.id, after=events[-2].id)) == events[-1:]
    assert list(client.events(done.id, after=events[-1].id)) == []
    for output in OUTPUTS:
        path = client.download(done.id, output, tmp_path / output)
        assert hashlib.sha256(path.read_bytes()).hexdigest() == done.outputs[output].sha256
    assert {path.name for path in tmp_path.iterdir()} == set(OUTPUTS)
    assert done.id in {job.id for job in client.jobs("done")}
    assert client.forecast(done.request).to_speak == 0


async def test_so_it_is_on_an_event_loop(film_gateway: Server, done: JobView, tmp_path: Path) -> None:
    async with AsyncClient(f"http://{film_gateway.address}", timeout_s=TIMEOUT_S) as client:
        job = await client.make(done.request)
        last = [event async for event in client.events(job.id)][-1]
        assert last.state == "done"
        assert (await client.finished(job.id)).outputs.keys() == done.outputs.keys()
        film, captions = await asyncio.gather(
            *(client.download(job.id, name, tmp_path / name) for name in ("film.mp4", "captions.vtt"))
        )
        assert film.stat().st_size == (await client.job(job.id)).outputs["film.mp4"].size_bytes
        assert captions.read_text(encoding="utf-8").startswith("WEBVTT")
        assert {job.id, done.id} <= {listed.id async for listed in client.jobs()}
        await client.delete(job.id)
        with pytest.raises(NotFoundError):
            await client.job(job.id)


def test_more_jobs_than_a_page_are_listed_once_each(
    client: Client, done: JobView, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [client.make(asked("你好。", seed=seed)).id for seed in range(3)]
    monkeypatch.setattr("gateway.client.calls.PAGE_SIZE", 2)
    listed = [job.id for job in client.jobs()]
    assert len(listed) == len(set(listed))
    assert {done.id, *others} <= set(listed)
    assert {client.finished(job_id).state for job_id in others} == {"done"}


def test_a_job_is_cancelled_and_goes_on(client: Client) -> None:
    job = client.make(asked("。".join(["这是一句话"] * 4)))
    assert client.cancel(job.id).state == "cancelled"
    assert [event.state for event in client.events(job.id)][-1] == "cancelled"
    assert client.retry(job.id).state in {"queued", "running"}
    assert client.finished(job.id).state == "done"


def test_events_go_on_when_the_gateway_is_back_and_none_is_lost_or_told_twice(mesh: Mesh, tmp_path: Path) -> None:
    targets = {f"VIGENT_GATEWAY_{name.upper()}": server.address for name, server in mesh.servers.items()}
    with contextlib.ExitStack() as stack:
        gateway = stack.enter_context(run_server("gateway", mesh.data, {**targets, **PATIENT}))
        client = stack.enter_context(Client(f"http://{gateway.address}", timeout_s=TIMEOUT_S))
        job, seen, killed = client.make(asked(LONG)), [], False
        for event in client.events(job.id):
            seen.append(event)
            if event.progress.segments_done >= 1 and not killed:
                gateway.kill()
                gateway.launch()
                killed = True
            if event.progress.segments_done >= 2 and event.state == "running":
                client.cancel(job.id)
        assert (killed, seen[-1].state) == (True, "cancelled")
        assert [event.id for event in seen] == list(range(1, len(seen) + 1))
        client.delete(job.id)


def test_a_download_goes_on_where_the_connection_broke(film_gateway: Server, done: JobView, tmp_path: Path) -> None:
    size = done.outputs["film.mp4"].size_bytes
    with cut_after(film_gateway.address, [size // 3, 0, size // 3]) as broken, Client(f"http://{broken}") as client:
        path = client.download(done.id, "film.mp4", tmp_path / "film.mp4")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == done.outputs["film.mp4"].sha256


async def test_so_do_events_and_downloads_on_an_event_loop(film_gateway: Server, done: JobView, tmp_path: Path) -> None:
    with cut_after(film_gateway.address, [900, 0, 50_000]) as broken:
        async with AsyncClient(f"http://{broken}") as client:
            ids = [event.id async for event in client.events(done.id)]
            assert ids == list(range(1, len(ids) + 1))
            path = await client.download(done.id, "film.mp4", tmp_path / "film.mp4")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == done.outputs["film.mp4"].sha256


def test_libraries_are_listed_added_to_and_cleared(client: Client, tmp_path: Path) -> None:
    (tmp_path / "face.png").write_bytes(face_picture())
    footage = client.upload(Footage, tmp_path / "face.png")
    assert footage in client.library(Footage)
    agreed = VoiceDescription(person="Anna", statement="Clone me.", languages="en")
    voice = client.upload(Voice, write_sound(tmp_path / "anna.wav"), agreed)
    assert (voice.name, voice.consent.person, voice.languages) == ("anna", "Anna", ["en"])
    voices = client.voices()
    assert voice in voices.items
    assert voices.engine[0].languages
    client.remove(Voice, voice.id)
    client.remove(Footage, footage.id)
    assert footage not in client.library(Footage)
    assert client.library(Music)[0].waveform
    assert {style.role for style in client.library(Style)} == {"subtitle", "title"}


def test_scripts_and_the_mesh_are_looked_at(client: Client) -> None:
    view = client.script(ScriptRequest(script="One. Two! 三。"))
    assert [sentence.text for sentence in view.sentences] == ["One.", "Two!", "三。"]
    assert all(service.ok for service in client.services())


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """Address of a gateway without services that asks for keys, and two keys."""
    folder = tmp_path_factory.mktemp("guarded")
    keys = {scope: made(folder / "keys.json", scope, [scope]) for scope in ("read", "make")}
    nobody = {f"VIGENT_GATEWAY_{name}": NOBODY for name in ("ORCHESTRATOR", "TTS", "LIPSYNC", "ASR", "OVERLAY")}
    open_to = {"VIGENT_GATEWAY_LOOPBACK_IS_OPEN": "false", "VIGENT_GATEWAY_KEYS_FILE": str(folder / "keys.json")}
    with run_server("gateway", folder, {**nobody, **open_to}) as server:
        yield f"http://{server.address}", keys


def test_errors_are_those_of_the_gateway(guarded: tuple[str, dict[str, str]], client: Client, tmp_path: Path) -> None:
    url, keys = guarded
    told: dict[str, VigentError] = {}
    for name, key in {"none": "", "wrong": "vigent_00000000_wrong", **keys}.items():
        with Client(url, key) as asking, pytest.raises(VigentError) as caught:
            asking.make(asked())
        told[name] = caught.value
    assert [type(told[name]) for name in ("none", "wrong")] == [UnauthenticatedError] * 2
    assert (type(told["read"]), told["read"].field) == (PermissionDeniedError, "Authorization")
    assert (type(told["make"]), told["make"].retryable) == (UnavailableError, True)  # it has no orchestrator
    assert keys["read"] not in f"{told['read']}{Client(url, keys['read'])._options!r}"
    with Client(url, keys["read"]) as asking:
        assert asking.library(Music)
    with pytest.raises(InvalidInputError) as refused:
        client.make(asked("🎉🎉"))
    assert (refused.value.field, bool(refused.value.remedy)) == ("script", True)
    with pytest.raises(NotFoundError, match="no job"):
        client.download("job-nothing", "film.mp4", tmp_path / "film.mp4")


def test_nobody_there_is_said_with_the_address(tmp_path: Path) -> None:
    with Client(f"http://{NOBODY}", patience_s=0.0) as client:
        with pytest.raises(UnavailableError, match=f"http://{NOBODY} cannot be reached") as caught:
            client.jobs().__next__()
        assert caught.value.reason == "UNREACHABLE"
        with pytest.raises(UnavailableError):
            client.finished("job-x")
        with pytest.raises(UnavailableError):
            client.download("job-x", "film.mp4", tmp_path / "film.mp4")
    assert not list(tmp_path.iterdir())


def test_another_server_is_not_taken_for_a_gateway(client: Client) -> None:
    with Client(f"{client._options.url}/assets/elsewhere") as lost, pytest.raises(NotFoundError):
        lost.voices()
    with Client(f"{client._options.url}/openapi.json?") as lost, pytest.raises(InternalError) as caught:
        lost.voices()
    assert caught.value.reason == "NOT_UNDERSTOOD"


def test_both_clients_do_the_same() -> None:
    def doors(kind: type) -> dict[str, list[str]]:
        public = inspect.getmembers(kind, inspect.isfunction)
        return {name: list(inspect.signature(door).parameters) for name, door in public if not name.startswith("_")}

    assert doors(Client) == doors(AsyncClient)


def test_it_needs_no_more_than_its_extra() -> None:
    """Nor does it load what serves, draws or decodes."""
    absent = ("fastapi", "starlette", "uvicorn", "PIL", "fontTools", "cv2", "av", "soxr", "typer", "rich", "dbos")
    program = f"import sys; sys.modules.update(dict.fromkeys({absent})); import vigent.client"
    paths = f"{ROOT}:{ROOT}/protos/gen:{ROOT}/gateway/client/door"
    command = [sys.executable, "-c", program]
    subprocess.run(command, check=True, cwd="/", env={"PYTHONPATH": paths}, timeout=TIMEOUT_S)
