"""vigent.runtime.v1 of real servers, in good and bad states."""

from __future__ import annotations

import asyncio
from pathlib import Path

from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from tests.support.servers import TIMEOUT_S, TTS, Server, listening, serving
from vigent.runtime.v1 import runtime_pb2, runtime_pb2_grpc

KNOBS = "tests.knobs.tts:KnobsTts"


async def describe(server: Server) -> runtime_pb2.DescribeResponse:
    stub = runtime_pb2_grpc.RuntimeServiceStub(server.channel)
    return await stub.Describe(runtime_pb2.DescribeRequest(), timeout=TIMEOUT_S)


async def status(server: Server) -> runtime_pb2.GetStatusResponse:
    stub = runtime_pb2_grpc.RuntimeServiceStub(server.channel)
    return await stub.GetStatus(runtime_pb2.GetStatusRequest(), timeout=TIMEOUT_S)


async def test_a_ready_server_says_which_engine_it_has_and_what_that_can_do(tmp_path: Path) -> None:
    async with serving(tmp_path, slots=2, queue_limit=3) as server:
        said = await describe(server)
    assert (said.service, said.engine, said.device) == (TTS, KNOBS, "cpu")
    assert said.identity.startswith(KNOBS)
    assert (said.slots, said.queue_limit) == (2, 3)
    assert list(said.capabilities.languages) == ["en", "zh"]
    assert said.capabilities.uses_gpu
    assert not said.capabilities.clones


async def test_nothing_is_said_of_what_an_engine_can_do_before_it_is_loaded(tmp_path: Path) -> None:
    async with listening(tmp_path, {"load_action": "hold", "hold_file": tmp_path / "never"}) as server:
        said, now = await describe(server), await status(server)
    assert said.engine == KNOBS
    assert not said.HasField("capabilities")
    assert now.state == runtime_pb2.WORKER_STATE_PROGRESSING


async def test_an_idle_server(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        now = await status(server)
    assert now.state == runtime_pb2.WORKER_STATE_IDLE
    assert (now.active_requests, now.queue_depth, now.stalled) == (0, 0, False)
    assert now.resident_memory_bytes > 10_000_000
    assert now.worker_resident_memory_bytes > 10_000_000
    assert dict(now.restarts) == {"crash": 0, "stall": 0, "memory": 0, "oom": 0, "load": 0, "canary": 0}


async def test_a_hung_engine_is_stalled_although_the_port_answers(tmp_path: Path) -> None:
    options = {"action": "hang", "at_unit": 1, "budget_s": 0.5}
    async with serving(tmp_path, options, stall_budget_s=0.5, cancel_grace_s=TIMEOUT_S) as server:
        call = server.speak()
        async with asyncio.timeout(TIMEOUT_S):
            while not (now := await status(server)).stalled:  # noqa: ASYNC110 - no event tells of it
                await asyncio.sleep(0.02)
        call.cancel()
    assert now.active_requests == 1
    assert now.progress_age_ms >= now.stall_budget_ms > 0


async def test_reflection_lists_it(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        stub = reflection_pb2_grpc.ServerReflectionStub(server.channel)
        async for answer in stub.ServerReflectionInfo(iter([request]), timeout=TIMEOUT_S):
            names = [service.name for service in answer.list_services_response.service]
    assert "vigent.runtime.v1.RuntimeService" in names
