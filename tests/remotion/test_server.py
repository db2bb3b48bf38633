"""The Node server is a model server like the others: health, errors, admission, cancel, drain, metrics."""

import asyncio
import os
import re
import signal
import urllib.request

import grpc
import numpy as np
import psutil
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from prometheus_client.parser import text_string_to_metric_families

from gateway.mesh import remotion
from services.base.errors import ExhaustedError, InvalidInputError
from services.base.names import ENGINE_METADATA_KEY
from services.base.settings import ServerSettings
from services.base.status import error_of
from services.typography.styles import load_style
from tests.remotion.conftest import ENVIRONMENT, need_remotion, run_node
from tests.remotion.rendering import OPTIONS, TIMEOUT_S, captions, cue, film_frame, read, rendered, until_picture
from tests.services.overlay.test_limits import BAD
from tests.services.overlay.test_limits import request as good_request
from tests.support.commands import outliving, until
from tests.support.mesh import ROOT, Server
from vigent.overlay.v1 import overlay_pb2
from vigent.overlay.v1.overlay_pb2_grpc import OverlayServiceStub

SERVICE = "vigent.overlay.v1.OverlayService"
KARAOKE = load_style("subtitle", "karaoke")
MANY = captions(KARAOKE, [cue("逐 词 点 亮", first=40 * n, frames=40) for n in range(400)], frames=16_000)
"""1600 states and more: rendering them takes longer than any test waits."""

ONLY_OF_WORKERS = ("vigent_device_", "vigent_engine_", "vigent_worker_resident_memory")
"""Metrics of a Python worker that loads a model onto a device."""


def figure(server: Server, name: str, **labels: str) -> float:
    """A sample of the server's metrics."""
    families = text_string_to_metric_families(page(server))
    samples = [sample for family in families for sample in family.samples if sample.name == name]
    return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())


def page(server: Server) -> str:
    with urllib.request.urlopen(f"http://{server.metrics}/metrics", timeout=TIMEOUT_S) as answer:
        return answer.read().decode()


async def test_reflection_lists_the_service(node):
    async with grpc.aio.insecure_channel(node.address) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        call = stub.ServerReflectionInfo(iter([request]), timeout=TIMEOUT_S)
        names = {service.name for service in (await call.read()).list_services_response.service}
        assert {SERVICE, "grpc.health.v1.Health"} <= names


async def test_health_names_the_engine_that_really_runs(node):
    async with grpc.aio.insecure_channel(node.address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        for name in ("", SERVICE, "liveness"):
            call = stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=TIMEOUT_S)
            assert (await call).status == health_pb2.HealthCheckResponse.SERVING
            metadata = await call.initial_metadata()
            assert metadata[ENGINE_METADATA_KEY].split()[0] == "remotion"
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.Check(health_pb2.HealthCheckRequest(service="nobody"), timeout=TIMEOUT_S)
        assert refused.value.code() is grpc.StatusCode.NOT_FOUND


async def test_one_cue_a_title_and_a_label_in_one_answer(node):
    answer = await rendered(node.address, good_request())
    assert answer.engine == "remotion"
    assert answer.done == overlay_pb2.RenderDone(pictures=len(answer.pictures), renderer="remotion")
    starts = [picture.first_film_frame for picture in answer.pictures]
    assert starts == sorted(starts)
    assert {picture.format for picture in answer.pictures} == {overlay_pb2.OVERLAY_FORMAT_RGBA32}
    for picture in (picture for picture in answer.pictures if picture.frames > 1):  # nothing fades on them
        alpha = np.frombuffer(picture.data, np.uint8).reshape(picture.height, picture.width, 4)[..., 3]
        assert alpha[0].any()
        assert alpha[-1].any()
        assert alpha[:, 0].any()
        assert alpha[:, -1].any()
    lit = np.array([0xFF, 0xD2, 0x3F])
    frame = film_frame(answer.pictures, 20).astype(int)
    assert (np.abs(frame - lit).max(axis=2) <= 2).sum() > 500


async def test_only_what_differs_is_drawn(node):
    answer = await rendered(node.address, captions(KARAOKE, [cue("大家 好", word_frames=20)]))
    shown = [frame for p in answer.pictures for frame in range(p.first_film_frame, p.first_film_frame + p.frames)]
    assert shown == list(range(50))
    assert len(answer.pictures) == 2 + KARAOKE["in"]["frames"]


@pytest.mark.parametrize(("changes", "field"), BAD)
async def test_what_cannot_be_drawn_is_refused_as_the_python_server_does(node, plain, changes, field):
    told = []
    for server in (node, plain):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await rendered(server.address, good_request(**changes))
        told.append(error_of(refused.value))
    assert isinstance(told[0], InvalidInputError)
    assert (told[0].field, told[0].reason) == (told[1].field, told[1].reason) == (field, told[1].reason)
    assert told[0].remedy


def styled(**changes) -> overlay_pb2.RenderRequest:
    return captions({**KARAOKE, **changes}, [cue("好")])


@pytest.mark.parametrize(
    ("request_", "field", "reason"),
    [
        (captions(KARAOKE, [cue("한")]), "cues[0].lines", "GLYPH_MISSING"),
        (styled(font={"id": "comic-sans", "weight": 400}), "caption_style_json", "FONT_NOT_FOUND"),
        (styled(font={"id": "0" * 64, "weight": 400}), "caption_style_json", "FONT_NOT_FOUND"),
        (styled(colour="#FF0000"), "caption_style_json", "STYLE_INVALID"),
        (styled(size="large"), "caption_style_json", "STYLE_INVALID"),
    ],
)
async def test_bad_styles_fonts_and_glyphs_are_named_and_the_server_goes_on(node, plain, request_, field, reason):
    told = []
    for server in (node, plain):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await rendered(server.address, request_)
        told.append(error_of(refused.value))
        assert "at " not in str(refused.value.details()).partition("\n")[2]  # no stack
    assert (told[0].field, told[0].reason) == (told[1].field, told[1].reason)
    assert (await rendered(node.address, good_request())).done.pictures > 0


async def test_a_message_that_is_too_large_or_is_none_is_refused(node):
    async with grpc.aio.insecure_channel(node.address) as channel:
        raw = channel.unary_stream(f"/{SERVICE}/Render")
        for sent, code in (
            (b"\xff" * 100, grpc.StatusCode.INVALID_ARGUMENT),
            (bytes(9 * 2**20), grpc.StatusCode.RESOURCE_EXHAUSTED),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                [event async for event in raw(sent, timeout=TIMEOUT_S)]
            assert refused.value.code() is code
    assert (await rendered(node.address, good_request())).done.pictures > 0


async def test_a_caller_that_goes_away_stops_the_drawing(node):
    async with grpc.aio.insecure_channel(node.address, options=OPTIONS) as channel:
        call = OverlayServiceStub(channel).Render(MANY, timeout=TIMEOUT_S)
        await until_picture(call)
        call.cancel()
    assert await asyncio.to_thread(until, lambda: figure(node, "vigent_worker_active_requests") == 0)
    assert figure(node, "vigent_worker_restarts_total") == 0
    assert (await rendered(node.address, good_request())).done.retries == 0


async def test_who_finds_no_room_is_told_when_to_come_again(tmp_path):
    with run_node(tmp_path, {"VIGENT_OVERLAY_SLOTS": "1", "VIGENT_OVERLAY_QUEUE_LIMIT": "1"}) as server:
        async with grpc.aio.insecure_channel(server.address, options=OPTIONS) as channel:
            stub = OverlayServiceStub(channel)
            first = stub.Render(MANY, timeout=TIMEOUT_S)
            await until_picture(first)
            second = stub.Render(good_request(), timeout=TIMEOUT_S)
            waiting = asyncio.create_task(read(second))
            assert await asyncio.to_thread(until, lambda: figure(server, "vigent_queue_depth") == 1)
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await read(stub.Render(good_request(), timeout=TIMEOUT_S))
            error = error_of(refused.value)
            assert isinstance(error, ExhaustedError)
            assert error.retry_after_s
            assert figure(server, "vigent_admission_refused_total", reason="queue_full") == 1
            first.cancel()
            assert (await waiting).done.pictures > 0


async def test_a_drain_lets_what_runs_finish(tmp_path):
    cues = [cue("逐 词 点 亮", first=40 * n, frames=40) for n in range(8)]
    request = captions(KARAOKE, cues, frames=320)
    with run_node(tmp_path, {"VIGENT_OVERLAY_DRAIN_GRACE_S": str(TIMEOUT_S)}) as server:
        async with grpc.aio.insecure_channel(server.address, options=OPTIONS) as channel:
            call = OverlayServiceStub(channel).Render(request, timeout=TIMEOUT_S)
            first = await until_picture(call)
            children = psutil.Process(server.process.pid).children(recursive=True)
            health = health_pb2_grpc.HealthStub(channel)
            watch = health.Watch(health_pb2.HealthCheckRequest(service=SERVICE), timeout=TIMEOUT_S)
            assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
            server.process.send_signal(signal.SIGTERM)
            assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await read(OverlayServiceStub(channel).Render(good_request(), timeout=TIMEOUT_S))
            assert error_of(refused.value).reason == "DRAINING"
            alive = await health.Check(health_pb2.HealthCheckRequest(service="liveness"), timeout=TIMEOUT_S)
            assert alive.status == health_pb2.HealthCheckResponse.SERVING
            rest = await read(call)
        assert rest.done.pictures == 1 + len(rest.pictures) == 8 * (4 + KARAOKE["in"]["frames"])
        assert first.first_film_frame == 0
        assert await asyncio.to_thread(server.process.wait, TIMEOUT_S) == 0
        assert outliving(children) == []


async def test_it_is_not_serving_before_it_is_warm(tmp_path):
    """Started by hand, as `run_node` waits until it is ready, with a Chromium that waits until the test has looked."""
    need_remotion()
    looked, chromium = tmp_path / "looked", tmp_path / "chromium"
    real = remotion.browser(ServerSettings.load("overlay"))
    chromium.write_text(f'#!/bin/sh\nuntil [ -e {looked} ]; do sleep 0.1; done\nexec {real} "$@"\n')
    chromium.chmod(0o755)
    ports = {"VIGENT_OVERLAY_PORT": "0", "VIGENT_OVERLAY_METRICS_PORT": "0", "VIGENT_OVERLAY_CHROMIUM": str(chromium)}
    process = await asyncio.create_subprocess_exec(
        *remotion.command(), cwd=ROOT, env={**os.environ, **ENVIRONMENT, **ports}, stdout=asyncio.subprocess.PIPE
    )
    try:
        listening = re.search(r"listening on ([\d.]+:\d+)", (await process.stdout.readline()).decode())
        async with grpc.aio.insecure_channel(listening[1]) as channel:
            request = health_pb2.HealthCheckRequest(service=SERVICE)
            watch = health_pb2_grpc.HealthStub(channel).Watch(request, timeout=TIMEOUT_S)
            assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
            looked.touch()
            assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
    finally:
        process.terminate()
        await process.communicate()


async def test_its_metrics_are_those_of_every_model_server(node, plain):
    for server in (node, plain):
        await rendered(server.address, good_request())
    names = [
        {family.name: family.type for family in text_string_to_metric_families(page(server))}
        for server in (node, plain)
    ]
    shared = {name: kind for name, kind in names[1].items() if not name.startswith(("python_", *ONLY_OF_WORKERS))}
    assert shared.items() <= names[0].items()
    assert "process_resident_memory_bytes" in names[0]
    assert figure(node, "vigent_requests_total", service="overlay", method="Render", code="OK") >= 1
    assert figure(node, "vigent_worker_state", state="idle") == 1


def test_settings_that_are_wrong_end_it_at_once(tmp_path):
    with pytest.raises(AssertionError, match="VIGENT_OVERLAY_SLOTS"), run_node(tmp_path, {"VIGENT_OVERLAY_SLOTS": "0"}):
        pass
