"""One film is one trace, from the HTTP request to the workers, through deaths of workers and of the orchestrator."""

import asyncio
import json
import re
from collections.abc import Iterator

import httpx
import pytest

from orchestrator.client import JobClient
from services.base.tracing.spans import ENDPOINT
from tests.support.collector import Collector, Kept, collecting
from tests.support.film_jobs import submitted
from tests.support.films import ended, face_picture, spec_of, until
from tests.support.mesh import Mesh, Server, run_mesh, run_server
from tests.support.slow_films import SCRIPT, SENTENCES, slow_engines
from vigent.jobs.v1 import jobs_pb2

JOB_S = 200.0


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="module")
def traced(collector: Collector) -> dict[str, str]:
    return {
        ENDPOINT: collector.url,
        "NO_PROXY": "127.0.0.1",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "VIGENT_LOG_FORMAT": "json",
    }


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory, traced: dict[str, str]) -> Iterator[Mesh]:
    folder = tmp_path_factory.mktemp("traces")
    with run_mesh(folder, slow_engines(folder) | traced) as mesh:
        yield mesh


@pytest.fixture(scope="module")
def gateway(mesh: Mesh, traced: dict[str, str]) -> Iterator[Server]:
    targets = {f"VIGENT_GATEWAY_{name.upper()}": server.address for name, server in mesh.servers.items()}
    with run_server("gateway", mesh.data, targets | traced | {"VIGENT_GATEWAY_PORT": "0"}) as server:
        yield server


@pytest.fixture(scope="module")
def film(mesh: Mesh, gateway: Server, collector: Collector) -> list[Kept]:
    """The spans of a film that was made by HTTP, sorted by their beginnings."""
    with httpx.Client(base_url=f"http://{gateway.address}", timeout=JOB_S, trust_env=False) as http:
        footage = http.post("/api/v1/footage", files={"file": ("face.png", face_picture())}).json()["id"]
        job_id = submitted(http, footage, script=SCRIPT)["id"]
    job = asyncio.run(the_end_of(mesh, job_id))
    assert job.state == jobs_pb2.JOB_STATE_DONE, job.error
    trace = job.traceparent.split("-")[1]
    collector.until(lambda spans: any(span.name == "job" and span.trace == trace for span in spans))
    return sorted(trace_of(collector, trace), key=lambda span: span.begun_ns)


async def the_end_of(mesh: Mesh, job_id: str) -> jobs_pb2.Job:
    async with asyncio.timeout(JOB_S), JobClient(mesh.jobs) as client:
        return await ended(client, job_id)


def trace_of(collector: Collector, trace: str) -> list[Kept]:
    """Every span of it, once each has its parent."""

    def whole(spans: list[Kept]) -> bool:
        own = [span for span in spans if span.trace == trace]
        return {span.parent for span in own} - {""} <= {span.id for span in own}

    return [span for span in collector.until(whole) if span.trace == trace]


def named(spans: list[Kept], name: str) -> list[Kept]:
    return [span for span in spans if span.name == name]


def path_of(span: Kept, spans: list[Kept]) -> list[str]:
    """The names from the first span of the trace to this one."""
    above = next((other for other in spans if other.id == span.parent), None)
    return [*(path_of(above, spans) if above else []), span.name]


MADE = ["HTTP POST", "orchestrator SubmitJob", "submit", "job"]
SEGMENT = [*MADE, "segment"]


def test_a_film_is_one_trace(film: list[Kept]) -> None:
    assert len([span for span in film if not span.parent]) == 1
    assert film[0].name == "HTTP POST"
    assert film[0].attributes["vigent.route"] == "/api/v1/jobs"
    processes = {span.process for span in film}
    assert processes == {f"vigent-{name}" for name in ("gateway", "orchestrator", "tts", "lipsync", "asr", "overlay")}


@pytest.mark.parametrize(
    ("name", "path", "count"),
    [
        ("job", MADE, 1),
        ("preparing", [*MADE, "preparing"], 1),
        ("segment", SEGMENT, SENTENCES),
        ("mixing", [*MADE, "mixing"], 1),
        ("tts Synthesize", [*SEGMENT, "voice", "tts Synthesize"], SENTENCES),
        ("asr Align", [*SEGMENT, "listening", "asr Align"], SENTENCES),
        ("lipsync Lipsync", [*SEGMENT, "film", "lip-sync", "lipsync Lipsync"], SENTENCES),
        ("overlay Render", [*SEGMENT, "film", "overlay", "overlay Render"], SENTENCES),
        ("worker synthesize", [*SEGMENT, "voice", "tts Synthesize", "worker synthesize"], SENTENCES),
        ("worker lipsync", [*SEGMENT, "film", "lip-sync", "lipsync Lipsync", "worker lipsync"], SENTENCES),
    ],
)
def test_each_stage_lies_where_it_belongs(film: list[Kept], name: str, path: list[str], count: int) -> None:
    found = named(film, name)
    assert len(found) == count
    assert [path_of(span, film) for span in found] == [path] * count
    assert not any(span.failed for span in found)


def test_a_span_of_a_worker_tells_what_it_did_and_when(film: list[Kept]) -> None:
    by_id = {span.id: span for span in film}
    for worker in named(film, "worker lipsync"):
        assert int(worker.attributes["vigent.worker_pid"]) > 0
        assert any(name.startswith("vigent.units.") for name in worker.attributes)
        server = by_id[worker.parent]
        assert server.begun_ns <= worker.begun_ns <= worker.ended_ns <= server.ended_ns


def test_logs_have_the_ids(mesh: Mesh, film: list[Kept]) -> None:
    ids = {span.id for span in film}
    lines = map(json.loads, mesh.servers["tts"].log.read_text(encoding="utf-8").splitlines())
    ended_calls = [line for line in lines if line["message"].startswith("Synthesize ended")]
    assert {line["trace_id"] for line in ended_calls} >= {film[0].trace}
    assert [line for line in ended_calls if line["span_id"] in ids]


def test_histograms_have_exemplars_where_the_scraper_takes_them(mesh: Mesh, film: list[Kept]) -> None:
    url = f"http://{mesh.servers['tts'].metrics}/metrics"
    plain = httpx.get(url, timeout=60, trust_env=False)
    assert "trace_id" not in plain.text
    accepted = {"Accept": "application/openmetrics-text; version=1.0.0"}
    rich = httpx.get(url, headers=accepted, timeout=60, trust_env=False)
    assert rich.headers["content-type"].startswith("application/openmetrics-text")
    for name in ("vigent_request_seconds", "vigent_first_chunk_seconds", "vigent_realtime_factor"):
        found = re.findall(rf'{name}_bucket{{.*# {{.*trace_id="(\w+)"', rich.text)
        assert film[0].trace in found, name


async def test_deaths_are_events_of_the_same_trace(mesh: Mesh, collector: Collector) -> None:
    async with asyncio.timeout(JOB_S), JobClient(mesh.jobs) as client:
        job = (await client.submit(spec_of(mesh, SCRIPT, seed=9))).job  # by no HTTP: it begins here
        await until(client, job.id, lambda event: event.progress.segments_done >= 1)
        await asyncio.to_thread(mesh.servers["lipsync"].worker().kill)
        await until(client, job.id, lambda event: event.progress.segments_done >= 3)
        mesh.servers["orchestrator"].kill()
        await asyncio.to_thread(mesh.servers["orchestrator"].start)
        job = await ended(client, job.id)
    assert job.state == jobs_pb2.JOB_STATE_DONE, job.error
    trace = job.traceparent.split("-")[1]
    spans = collector.until(lambda spans: any("resumed" in span.events and span.trace == trace for span in spans))
    own = [span for span in spans if span.trace == trace]
    assert "worker restarted" in {event for span in named(own, "worker lipsync") for event in span.events}
    assert [span for span in named(own, "lipsync Lipsync") if span.failed]
    assert "retry" in {event for span in named(own, "film") for event in span.events}
    assert path_of(named(own, "job")[-1], own)[-2:] == ["submit", "job"]


async def test_what_nobody_asked_to_trace_is_not_traced(mesh: Mesh, film: list[Kept], collector: Collector) -> None:
    before = len(collector.spans)
    async with JobClient(mesh.jobs) as client:
        await client.list_page()
    assert len(collector.spans) == before
    assert not [span for span in collector.spans if "ListJobs" in span.name or "Health" in span.name]


def test_a_client_may_trace_its_own(gateway: Server, collector: Collector) -> None:
    traceparent = f"00-{'a' * 32}-{'b' * 16}-01"
    url = f"http://{gateway.address}/api/v1/services"
    httpx.get(url, headers={"traceparent": traceparent}, timeout=60, trust_env=False)
    spans = collector.until(lambda spans: any(span.trace == "a" * 32 for span in spans))
    assert [span.parent for span in spans if span.trace == "a" * 32] == ["b" * 16]


@pytest.mark.parametrize("traceparent", ["", "x", f"00-{'g' * 32}-{'b' * 16}-01", "中" * 40, "a" * 4000])
def test_a_traceparent_that_is_none_is_not_passed_on(gateway: Server, traceparent: str) -> None:
    headers = [(b"traceparent", traceparent.encode())]
    answer = httpx.post(f"http://{gateway.address}/api/v1/jobs", headers=headers, json={}, timeout=60, trust_env=False)
    assert answer.status_code == 422
