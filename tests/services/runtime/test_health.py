from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from services.base.names import ENGINE_METADATA_KEY
from services.runtime.health import Health
from services.runtime.server import keep_health
from tests.support.servers import NOT_SERVING, SERVING, TIMEOUT_S, TTS, events, failure, listening, serving, until_event
from tests.support.workers import working

UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
NAMES = ("", TTS, "liveness")


async def test_nothing_but_life_is_told_before_the_engine_is_loaded(tmp_path: Path) -> None:
    async with listening(tmp_path, {"load_action": "hold", "hold_file": tmp_path / "never"}) as server:
        assert [await server.check(name) for name in NAMES] == [NOT_SERVING, NOT_SERVING, SERVING]
        assert await server.speak().code() is grpc.StatusCode.UNAVAILABLE


async def test_check_list_and_identity_of_a_ready_server(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        assert [await server.check(name) for name in NAMES] == [SERVING] * 3
        listed = await server.health.List(health_pb2.HealthListRequest(), timeout=TIMEOUT_S)
        assert {name: entry.status for name, entry in listed.statuses.items()} == dict.fromkeys(NAMES, SERVING)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await server.check("nobody")
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        check = server.health.Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_S)
        assert "KnobsTts" in dict(await check.initial_metadata())[ENGINE_METADATA_KEY]


async def test_watch_tells_every_change_and_ends_with_the_server(tmp_path: Path) -> None:
    load = {"load_action": "hold", "hold_file": tmp_path / "load"}
    async with listening(tmp_path, load, drain_grace_s=600) as server:
        watch = server.health.Watch(health_pb2.HealthCheckRequest(service=TTS), timeout=TIMEOUT_S)
        unknown = server.health.Watch(health_pb2.HealthCheckRequest(service="nobody"), timeout=TIMEOUT_S)
        assert (await unknown.read()).status == UNKNOWN
        assert (await watch.read()).status == NOT_SERVING
        load["hold_file"].touch()
        assert (await watch.read()).status == SERVING
        server.process.terminate()
        assert (await watch.read()).status == NOT_SERVING
        assert await watch.read() is grpc.aio.EOF
        assert await asyncio.wait_for(server.process.wait(), TIMEOUT_S) == 0  # no watch holds it for the grace


async def test_a_hang_is_told_before_slow_files_are_read() -> None:
    """The identity is read from the checkpoint's folder, which may lie on a disk that does not answer."""
    slow, reading, health = threading.Event(), threading.Event(), Health(TTS)

    def read_identity() -> str:
        reading.set()
        assert slow.wait(TIMEOUT_S)
        return "identity"

    async with working() as worker:
        slow.set()
        told = asyncio.create_task(keep_health(worker, health, read_identity, lambda: None))
        await until_status(health, SERVING)
        slow.clear()
        reading.clear()
        worker.stalled = True
        worker.changed.set()
        assert await asyncio.to_thread(reading.wait, TIMEOUT_S)
        assert await status(health) == NOT_SERVING
        slow.set()
        told.cancel()


async def status(health: Health) -> int:
    response = await health.List(health_pb2.HealthListRequest(), None)
    return response.statuses[TTS].status


async def until_status(health: Health, wanted: int) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        while await status(health) != wanted:  # noqa: ASYNC110 - Watch needs a server
            await asyncio.sleep(0.01)


async def test_a_server_that_drains_is_alive(tmp_path: Path) -> None:
    async with serving(tmp_path, drain_delay_s=30) as server:
        watch = server.health.Watch(health_pb2.HealthCheckRequest(service=TTS), timeout=TIMEOUT_S)
        assert (await watch.read()).status == SERVING
        server.process.terminate()
        assert (await watch.read()).status == NOT_SERVING
        assert [await server.check(name) for name in NAMES] == [NOT_SERVING, NOT_SERVING, SERVING]
        assert (await server.speak("a").read()).WhichOneof("event") == "accepted"  # by who has not heard
        server.process.terminate()
        await asyncio.wait_for(server.process.wait(), TIMEOUT_S)


async def test_a_server_is_alive_until_its_last_call_has_ended(tmp_path: Path) -> None:
    """Who asked a server that only waits for its calls, and heard nothing, would kill it amid them."""
    hold_file = tmp_path / "hold"
    options = {"action": "hold", "hold_file": hold_file}
    async with serving(tmp_path, options, stall_budget_s=60, drain_delay_s=0, drain_grace_s=60) as server:
        watch = server.health.Watch(health_pb2.HealthCheckRequest(service=TTS), timeout=TIMEOUT_S)
        assert (await watch.read()).status == SERVING
        call = server.speak("a")
        await until_event(call, "accepted")
        server.process.terminate()
        assert (await watch.read()).status == NOT_SERVING
        code, error = await failure(server.speak("b"))
        assert code is grpc.StatusCode.UNAVAILABLE
        assert (error.reason, error.retry_after_s) == ("DRAINING", 1.0)
        assert [await server.check(name) for name in NAMES] == [NOT_SERVING, NOT_SERVING, SERVING]
        hold_file.touch()
        assert (await events(call))[-1] == "done"
        assert await watch.read() is grpc.aio.EOF
        assert await asyncio.wait_for(server.process.wait(), TIMEOUT_S) == 0


async def test_every_watcher_learns_that_the_server_ends(tmp_path: Path) -> None:
    """Nothing runs and nobody has to be waited for, so that the end comes in the moment of the news."""
    async with serving(tmp_path, drain_delay_s=0) as server:
        request = health_pb2.HealthCheckRequest(service=TTS)
        watches = [server.health.Watch(request, timeout=TIMEOUT_S) for _ in range(20)]
        assert [(await watch.read()).status for watch in watches] == [SERVING] * len(watches)
        server.process.terminate()
        assert [(await watch.read()).status for watch in watches] == [NOT_SERVING] * len(watches)
        assert [await watch.read() for watch in watches] == [grpc.aio.EOF] * len(watches)


async def test_watcher_that_reads_nothing_holds_nobody_up(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        for _ in range(50):
            server.health.Watch(health_pb2.HealthCheckRequest(service=TTS))
        old = server.worker()
        old.kill()
        await server.replaced(old)
        assert await server.check() == SERVING


async def test_reflection_lists_the_service(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        stub = reflection_pb2_grpc.ServerReflectionStub(server.channel)
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        call = stub.ServerReflectionInfo(iter([request]), timeout=TIMEOUT_S)
        names = {service.name for service in (await call.read()).list_services_response.service}
        assert {TTS, "grpc.health.v1.Health"} <= names
