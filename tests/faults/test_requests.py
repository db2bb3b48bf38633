"""Callers that leave, hurry, crowd in or talk nonsense get a clear answer and harm nobody."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
from pathlib import Path

import grpc
import psutil
import pytest

from services.base.client import open_channel
from services.base.errors import DeadlineExceededError, ExhaustedError, InvalidInputError
from tests.support.servers import (
    SERVING,
    TIMEOUT_S,
    TTS,
    events,
    failure,
    serving,
    stop,
    until_event,
)
from vigent.tts.v1 import tts_pb2, tts_pb2_grpc

LIBRARY_METHODS = (
    "grpc.health.v1.Health/Check",
    "grpc.health.v1.Health/Watch",
    "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    "vigent.runtime.v1.RuntimeService/GetStatus",
)
ACTIVE = 'vigent_worker_active_requests{service="tts"}'
QUEUE = 'vigent_queue_depth{service="tts"}'


@pytest.mark.fault("caller that leaves", promised="The engine stops within a unit, and its slot is free.")
async def test_cancel_reaches_the_engine_within_one_unit(tmp_path: Path) -> None:
    log_file, hold_file = tmp_path / "units", tmp_path / "hold"
    options = {"action": "hold", "at_unit": 1, "hold_file": hold_file, "delay_s": 0.5, "log_file": log_file}
    async with serving(tmp_path, options, stall_budget_s=60) as server:
        call = server.speak("a" * 40)
        await until_event(call)
        call.cancel()
        await server.until_metric('vigent_requests_total{code="CANCELLED",method="Synthesize",service="tts"}')
        hold_file.touch()
        await server.until_metric(ACTIVE, 0)
        units = log_file.read_text(encoding="utf-8").count("unit")
        assert (await events(server.speak("b")))[-1] == "done"
        assert log_file.read_text(encoding="utf-8").count("unit") == units + 1
        # One unit was heard of, one was being worked on, and one could have been finished on the way.
        assert units <= 3


@pytest.mark.fault("caller that leaves")
async def test_disconnected_caller_frees_the_slot_for_the_one_who_waits(tmp_path: Path) -> None:
    async with serving(tmp_path, {"action": "wait", "only_for": "gone"}, stall_budget_s=60) as server:
        channel = grpc.aio.insecure_channel(server.address)
        gone = tts_pb2_grpc.TtsServiceStub(channel).Synthesize(
            tts_pb2.SynthesizeRequest(text="gone"), timeout=TIMEOUT_S
        )
        await until_event(gone, "accepted")
        waiting = asyncio.create_task(events(server.speak()))
        await server.until_metric(QUEUE, 1)
        await channel.close()
        assert (await waiting)[-1] == "done"


async def test_caller_that_leaves_the_queue_is_forgotten(tmp_path: Path) -> None:
    log_file = tmp_path / "calls"
    options = {"action": "wait", "only_for": "long", "log_file": log_file}
    async with serving(tmp_path, options, stall_budget_s=60) as server:
        working = server.speak("long")
        await until_event(working, "accepted")
        leaving = server.speak("leaving")
        await server.until_metric(QUEUE, 1)
        staying = server.speak("staying")
        await server.until_metric(QUEUE, 2)
        leaving.cancel()
        await server.until_metric(QUEUE, 1)
        working.cancel()
        accepted = await staying.read()
        assert accepted.accepted.accepted.queue_position == 1
        assert (await events(staying))[-1] == "done"
        assert (await server.metrics())['vigent_admission_refused_total{reason="caller_left",service="tts"}'] == 1
        assert log_file.read_text(encoding="utf-8").count("call") == 2


@pytest.mark.fault("queue full", promised="RESOURCE_EXHAUSTED, and when to come back; no wait without end.")
async def test_full_queue_refuses_with_a_time_to_come_back(tmp_path: Path) -> None:
    async with serving(tmp_path, {"action": "wait"}, stall_budget_s=60, queue_limit=1) as server:
        working = server.speak()
        await until_event(working, "accepted")
        waiting = server.speak()
        await server.until_metric(QUEUE, 1)
        refused = server.speak()
        code, error = await failure(refused)
        assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert isinstance(error, ExhaustedError)
        assert error.reason == "QUEUE_FULL"
        assert error.retry_after_s is not None
        pushback = dict(await refused.trailing_metadata())["grpc-retry-pushback-ms"]
        assert int(pushback) == round(error.retry_after_s * 1000)
        assert (await server.metrics())['vigent_admission_refused_total{reason="queue_full",service="tts"}'] == 1
        assert await server.check() == SERVING
        working.cancel()
        waiting.cancel()


@pytest.mark.fault("deadline over before the call begins", promised="Refused before the engine works.")
async def test_expired_deadline_is_refused_before_the_engine_works(tmp_path: Path) -> None:
    log_file = tmp_path / "calls"
    async with serving(tmp_path, {"log_file": log_file}) as server:
        for _ in range(20):
            code, _ = await failure(server.speak(timeout_s=0))
            assert code is grpc.StatusCode.DEADLINE_EXCEEDED
        assert (await events(server.speak()))[-1] == "done"
        await server.until_metric(ACTIVE, 0)
        assert log_file.read_text(encoding="utf-8").count("call") == 1


@pytest.mark.fault("deadline over in the middle", promised="DEADLINE_EXCEEDED for the caller, a cancel for the engine.")
async def test_deadline_in_the_middle_stops_the_engine(tmp_path: Path) -> None:
    async with serving(tmp_path, {"action": "wait"}, stall_budget_s=60) as server:
        call = server.speak(timeout_s=8)  # in which a busy machine accepts it
        assert (await call.read()).WhichOneof("event") == "accepted"
        code, error = await failure(call)
        assert code is grpc.StatusCode.DEADLINE_EXCEEDED
        assert isinstance(error, DeadlineExceededError)
        await server.until_metric(ACTIVE, 0)
        counted = 'vigent_requests_total{code="DEADLINE_EXCEEDED",method="Synthesize",service="tts"}'
        await server.until_metric(counted, 1)


@pytest.mark.fault(
    "deadline shorter than the estimate",
    promised="Refused at once, with the estimate: what is ahead in line, at the pace of the fastest latest call.",
)
async def test_deadline_shorter_than_the_estimate_is_refused_with_it(tmp_path: Path) -> None:
    log_file = tmp_path / "calls"
    async with serving(tmp_path, {"delay_s": 6, "log_file": log_file}, slots=8, stall_budget_s=60) as server:
        await asyncio.gather(*(events(server.speak("ab")) for _ in range(8)))
        code, error = await failure(server.speak("ab", timeout_s=11))
        assert code is grpc.StatusCode.DEADLINE_EXCEEDED
        assert isinstance(error, DeadlineExceededError)
        assert error.reason == "DEADLINE_TOO_SHORT"
        assert re.fullmatch(
            r"The call would take 1\d\.\d s at the least, and its deadline is in \d+\.\d s.", error.problem
        )
        assert (await server.metrics())['vigent_admission_refused_total{reason="deadline",service="tts"}'] == 1
        assert log_file.read_text(encoding="utf-8").count("call") == 8


@pytest.mark.fault("caller that reads slowly, or not at all")
async def test_caller_that_never_reads_loses_its_slot(tmp_path: Path) -> None:
    options = {"units": 40, "unit_samples": 500_000}
    async with serving(tmp_path, options, caller_budget_s=5) as server:
        idle = server.speak("idle", timeout_s=TIMEOUT_S)
        await until_event(idle)
        await server.until_metric(ACTIVE, 0)
        other = server.speak("other")
        assert (await events(other))[-1] == "done"
        code, error = await failure(idle)
        assert code is grpc.StatusCode.UNAVAILABLE
        assert error.reason == "CALLER_IDLE"


@pytest.mark.fault(
    "malformed bytes, other protocols",
    promised="A typed error without internals; the server is unharmed.",
)
async def test_malformed_message_is_an_invalid_argument_without_internals(tmp_path: Path) -> None:
    """Also for the methods that every server has from the library."""
    async with serving(tmp_path) as server:
        for path in (f"{TTS}/Synthesize", *LIBRARY_METHODS):
            raw = server.channel.unary_stream(f"/{path}")
            code, error = await failure(raw(b"\xff\xff\xff\xff", timeout=TIMEOUT_S))
            assert code is grpc.StatusCode.INVALID_ARGUMENT
            assert isinstance(error, InvalidInputError)
            assert error.reason == "MALFORMED"
            assert "Exception" not in str(error)
            assert "Decode" not in str(error)
        assert "Traceback" not in server.log.read_text(encoding="utf-8")
        assert (await events(server.speak()))[-1] == "done"


@pytest.mark.fault("message over the limit", promised="Refused; the connection lives.")
async def test_oversized_message_is_refused_and_the_connection_lives(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        code, error = await failure(server.speak("a" * 9 * 2**20))
        assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert isinstance(error, InvalidInputError)
        assert error.reason == "TOO_LARGE"
        assert (await events(server.speak()))[-1] == "done"


async def test_wrong_field_is_named(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        call = server.tts.Synthesize(tts_pb2.SynthesizeRequest(text="a", voice="nobody"), timeout=TIMEOUT_S)
        code, error = await failure(call)
        assert code is grpc.StatusCode.INVALID_ARGUMENT
        assert isinstance(error, InvalidInputError)
        assert (error.field, error.problem) == ("voice", "There is no voice 'nobody'.")
        assert error.remedy == 'Use "tone".'


@pytest.mark.fault("malformed bytes, other protocols")
async def test_other_protocols_are_turned_away(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        host, port = server.address.split(":")
        for noise in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", bytes(range(256)) * 64):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(noise)
            with contextlib.suppress(ConnectionResetError):
                await asyncio.wait_for(reader.read(), TIMEOUT_S)  # to the end: the server closes
            writer.close()
        assert (await events(server.speak()))[-1] == "done"


@pytest.mark.fault("drain of a busy server", promised="New calls are turned away, running and waiting ones end well.")
async def test_drain_fails_no_call(tmp_path: Path) -> None:
    """Two replicas under load, one told to end: what runs there ends well, what comes goes to the other."""
    first_folder, second_folder = tmp_path / "first", tmp_path / "second"
    first_folder.mkdir()
    second_folder.mkdir()
    options = {"delay_s": 0.02}
    async with (
        serving(first_folder, options, drain_delay_s=5) as first,
        serving(second_folder, options) as second,
        open_channel(f"ipv4:{first.address},{second.address}", TTS) as channel,
    ):
        stub = tts_pb2_grpc.TtsServiceStub(channel)
        ended: list[str] = []
        stopping = asyncio.Event()

        async def caller() -> None:
            while not (stopping.is_set() and first.process.returncode is not None):
                request = tts_pb2.SynthesizeRequest(text="a" * 10)
                ended.append((await events(stub.Synthesize(request, timeout=TIMEOUT_S, wait_for_ready=True)))[-1])

        callers = [asyncio.create_task(caller()) for _ in range(4)]
        await first.until_metric(ACTIVE, 1)
        await second.until_metric(ACTIVE, 1)
        stopping.set()
        assert await stop(first) == 0
        await asyncio.gather(*callers)
        assert set(ended) == {"done"}
        assert len(ended) > 4


@pytest.mark.fault("drain of a busy server")
async def test_drain_lets_running_and_waiting_calls_finish(tmp_path: Path) -> None:
    hold_file = tmp_path / "hold"
    async with serving(tmp_path, {"action": "hold", "hold_file": hold_file}, stall_budget_s=60) as server:
        turned_away = await server.turning_away()
        calls = [server.speak() for _ in range(3)]
        await server.until_metric(QUEUE, 2)
        ending = asyncio.create_task(stop(server))
        await turned_away
        hold_file.touch()
        assert [(await events(call))[-1] for call in calls] == ["done"] * 3
        assert await ending == 0


async def test_second_signal_ends_at_once(tmp_path: Path) -> None:
    async with serving(tmp_path, {"action": "wait"}, stall_budget_s=60, drain_grace_s=60) as server:
        call = server.speak()
        await until_event(call, "accepted")
        worker, turned_away = server.worker(), await server.turning_away()
        server.process.send_signal(signal.SIGTERM)
        await turned_away
        server.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(server.process.wait(), TIMEOUT_S) == 1
        assert not psutil.pid_exists(worker.pid)


async def test_worker_that_hangs_does_not_hold_the_drain(tmp_path: Path) -> None:
    async with serving(tmp_path, {"action": "hang_holding_gil"}, stall_budget_s=60, drain_grace_s=0.5) as server:
        call = server.speak()
        await until_event(call, "accepted")
        assert await stop(server) == 0
        code, _ = await failure(call)
        assert code is grpc.StatusCode.UNAVAILABLE
