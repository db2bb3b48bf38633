"""Remotion behind the overlay server: whom health names, what one answer holds, cancel, drain, what is refused."""

import asyncio
import signal

import grpc
import numpy as np
import psutil
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.base.errors import InvalidInputError
from services.base.names import ENGINE_METADATA_KEY, FULL_NAMES
from services.base.status import error_of
from services.typography.styles import load_style
from tests.remotion.conftest import CHROMIUM, run_remotion, scratch_folders
from tests.remotion.rendering import (
    OPTIONS,
    TIMEOUT_S,
    captions,
    cue,
    figure,
    film_frame,
    read,
    rendered,
    until_picture,
)
from tests.support.commands import outliving, until
from tests.support.overlay_requests import request as good_request
from vigent.overlay.v1 import overlay_pb2
from vigent.overlay.v1.overlay_pb2_grpc import OverlayServiceStub

KARAOKE = load_style("subtitle", "karaoke")
MANY = captions(KARAOKE, [cue("逐 词 点 亮", first=40 * n, frames=40) for n in range(400)], frames=16_000)
"""1600 states and more: rendering them takes longer than any test waits."""


async def test_health_names_the_engine_that_really_runs(remotion):
    async with grpc.aio.insecure_channel(remotion.address) as channel:
        call = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_S)
        assert (await call).status == health_pb2.HealthCheckResponse.SERVING
        assert (await call.initial_metadata())[ENGINE_METADATA_KEY].split()[0] == "remotion"
        assert len(await call.trailing_metadata()) == 0


async def test_one_cue_a_title_and_a_label_in_one_answer(remotion):
    answer = await rendered(remotion.address, good_request())
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


async def test_only_what_differs_is_drawn_and_each_picture_is_a_unit(remotion):
    before = figure(remotion, "vigent_worker_units_total", phase="draw")
    answer = await rendered(remotion.address, captions(KARAOKE, [cue("大家 好", word_frames=20)]))
    shown = [frame for p in answer.pictures for frame in range(p.first_film_frame, p.first_film_frame + p.frames)]
    assert shown == list(range(50))
    assert len(answer.pictures) == 2 + KARAOKE["in"]["frames"]
    assert figure(remotion, "vigent_worker_units_total", phase="draw") == before + len(answer.pictures)


async def test_a_glyph_that_is_missing_is_named_before_anything_is_drawn(remotion):
    cues = [cue("好", frames=20), cue("한", first=20, frames=20)]
    async with grpc.aio.insecure_channel(remotion.address) as channel:
        call = OverlayServiceStub(channel).Render(captions(KARAOKE, cues), timeout=TIMEOUT_S)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await until_picture(call)
    error = error_of(refused.value)
    assert isinstance(error, InvalidInputError)
    assert (error.field, error.reason) == ("cues[1].lines", "GLYPH_MISSING")
    assert (await rendered(remotion.address, good_request())).done.pictures > 0


async def test_a_caller_that_goes_away_stops_the_drawing(remotion):
    async with grpc.aio.insecure_channel(remotion.address, options=OPTIONS) as channel:
        call = OverlayServiceStub(channel).Render(MANY, timeout=TIMEOUT_S)
        await until_picture(call)
        call.cancel()
    assert await asyncio.to_thread(until, lambda: figure(remotion, "vigent_worker_active_requests") == 0)
    assert figure(remotion, "vigent_worker_restarts_total") == 0
    assert (await rendered(remotion.address, good_request())).done.pictures > 0


async def test_a_drain_lets_what_runs_finish_and_nothing_stays(tmp_path, temporary):
    cues = [cue("逐 词 点 亮", first=40 * n, frames=40) for n in range(8)]
    request = captions(KARAOKE, cues, frames=320)
    environment = {"VIGENT_OVERLAY_DRAIN_GRACE_S": str(TIMEOUT_S), "TMPDIR": str(temporary)}
    with run_remotion(tmp_path, environment) as server:
        async with grpc.aio.insecure_channel(server.address, options=OPTIONS) as channel:
            call = OverlayServiceStub(channel).Render(request, timeout=TIMEOUT_S)
            first = await until_picture(call)
            children = psutil.Process(server.process.pid).children(recursive=True)
            health = health_pb2_grpc.HealthStub(channel)
            watch = health.Watch(health_pb2.HealthCheckRequest(service=FULL_NAMES["overlay"]), timeout=TIMEOUT_S)
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
        assert scratch_folders(temporary) == []


def test_an_option_that_it_does_not_know_ends_the_server_at_once(tmp_path):
    unknown = {CHROMIUM.replace("CHROMIUM", "CHROME"): "chromium"}
    with pytest.raises(AssertionError, match="The options are chromium"), run_remotion(tmp_path, unknown):
        pass
