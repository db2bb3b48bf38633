"""A worker that dies, leaks or runs out of memory harms nothing but its own calls."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import time
from pathlib import Path

import grpc
import psutil
import pytest

from services.base.errors import ExhaustedError, FailedPreconditionError, InternalError, UnavailableError
from tests.support.little_memory import little_memory
from tests.support.servers import NOT_SERVING, SERVING, events, failure, listening, poll, serving, until_event

MIB = 2**20


@pytest.mark.fault(
    "worker killed in a call",
    promised="Its callers get UNAVAILABLE and when to come back; another worker starts, and calls in line go on.",
)
async def test_killed_worker_fails_its_call_and_is_replaced(tmp_path: Path) -> None:
    async with serving(tmp_path, {"delay_s": 0.05}) as server:
        call = server.speak("a" * 200)
        await until_event(call)
        old = server.worker()
        old.kill()
        code, error = await failure(call)
        assert code is grpc.StatusCode.UNAVAILABLE
        assert isinstance(error, UnavailableError)
        assert error.retry_after_s == 1.0
        assert ("grpc-retry-pushback-ms", "1000") in tuple(await call.trailing_metadata())

        await server.replaced(old)
        assert (await events(server.speak()))[-1] == "done"
        assert (await server.metrics())['vigent_worker_restarts_total{reason="crash",service="tts"}'] == 1


async def test_worker_that_crashes_while_loading_goes_up_the_ladder(tmp_path: Path) -> None:
    async with listening(tmp_path, {"load_action": "kill"}, restart_limit=2) as server:
        await server.until_metric('vigent_worker_state{service="tts",state="broken"}')
        assert [await server.check(name) for name in ("", "liveness")] == [NOT_SERVING, NOT_SERVING]
        assert (await server.metrics())['vigent_worker_restarts_total{reason="crash",service="tts"}'] == 3
        assert await server.problem() == ""
        code, _ = await failure(server.speak())
        assert code is grpc.StatusCode.UNAVAILABLE


@pytest.mark.fault("worker killed in a call")
async def test_waiting_call_survives_the_death_of_the_working_one(tmp_path: Path) -> None:
    async with serving(tmp_path, {"action": "wait", "only_for": "first"}, stall_budget_s=60) as server:
        first = server.speak("first")
        await until_event(first, "accepted")
        second = asyncio.create_task(events(server.speak("second")))
        await server.until_metric('vigent_queue_depth{service="tts"}')
        server.worker().kill()
        code, _ = await failure(first)
        assert code is grpc.StatusCode.UNAVAILABLE
        assert (await second)[-1] == "done"


@pytest.mark.fault("server killed")
async def test_worker_does_not_outlive_a_killed_server(tmp_path: Path) -> None:
    async with serving(tmp_path, {"action": "hang_holding_gil"}, stall_budget_s=60) as server:
        call = server.speak()
        await until_event(call, "accepted")
        family = psutil.Process(server.process.pid).children(recursive=True)
        assert server.worker() in family
        server.process.kill()
        _, alive = await asyncio.to_thread(psutil.wait_procs, family, 30)
        assert not alive


@pytest.mark.fault("device lost", promised="The worker ends, and another one begins on a new context.")
@pytest.mark.fault("device out of memory", promised="RESOURCE_EXHAUSTED; memory is given back, and the worker goes on.")
@pytest.mark.parametrize(
    ("action", "error_type", "survives"),
    [
        ("oom", ExhaustedError, True),
        ("cuda_oom", ExhaustedError, True),
        ("error", InternalError, True),
        ("cuda_lost", UnavailableError, False),
        ("exit", UnavailableError, False),
    ],
)
async def test_errors_of_the_engine(tmp_path: Path, action: str, error_type: type[Exception], survives: bool) -> None:
    async with serving(tmp_path, {"action": action, "once_file": tmp_path / "once"}) as server:
        worker = server.worker()
        _, error = await failure(server.speak())
        assert type(error) is error_type
        assert "secret" not in str(error)
        assert "Traceback" not in str(error)
        if not survives:
            await server.replaced(worker)
        assert (server.worker() == worker) is survives
        assert (await events(server.speak()))[-1] == "done"
    if action == "error":
        assert "secret internals of the engine" in server.log.read_text(encoding="utf-8")


@pytest.mark.fault(
    "request that kills its worker each time",
    promised="Refused for ten minutes after two deaths of the worker by itself; others go on. A kill from "
    "outside counts for nobody.",
)
async def test_request_that_kills_two_workers_is_not_tried_again(tmp_path: Path) -> None:
    log_file = tmp_path / "calls"
    async with serving(tmp_path, {"action": "abort", "only_for": "poison", "log_file": log_file}) as server:
        for _ in range(2):
            worker = server.worker()
            code, _ = await failure(server.speak("poison"))
            assert code is grpc.StatusCode.UNAVAILABLE
            await server.replaced(worker)
        code, error = await failure(server.speak("poison"))
        assert code is grpc.StatusCode.FAILED_PRECONDITION
        assert isinstance(error, FailedPreconditionError)
        assert error.reason == "POISON_REQUEST"
        assert (await events(server.speak("good")))[-1] == "done"
    assert log_file.read_text(encoding="utf-8").count("call") == 3


@pytest.mark.fault("request that kills its worker each time")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP])
async def test_request_whose_workers_were_killed_from_outside_is_innocent(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with serving(tmp_path, {"delay_s": 0.05}, stall_budget_s=3) as server:
        for _ in range(3):
            worker, call = server.worker(), server.speak("a" * 100)
            await until_event(call)
            worker.send_signal(number)
            code, _ = await failure(call)
            assert code is grpc.StatusCode.UNAVAILABLE
            await server.replaced(worker)
        assert (await events(server.speak("a" * 100)))[-1] == "done"


@pytest.mark.fault(
    "kernel kills the worker for want of memory",
    promised="As a killed worker, counted as `oom`; the request is refused after the second time.",
)
async def test_request_that_makes_the_kernel_kill_two_workers_is_not_tried_again(tmp_path: Path) -> None:
    """For want of memory, which it does not give back; the kernel's signal is not somebody's from outside."""
    async with serving(tmp_path, {"leak_bytes": 20 * MIB, "delay_s": 0.05}) as server:
        for _ in range(2):
            worker = server.worker()
            with little_memory(worker.pid, 100 * MIB):
                code, _ = await failure(server.speak("a" * 1000))
                assert code is grpc.StatusCode.UNAVAILABLE
                await server.replaced(worker)
        code, error = await failure(server.speak("a" * 1000))
        assert code is grpc.StatusCode.FAILED_PRECONDITION
        assert isinstance(error, FailedPreconditionError)
        assert error.reason == "POISON_REQUEST"
        assert (await server.metrics())['vigent_worker_restarts_total{reason="oom",service="tts"}'] == 2


async def test_worker_over_its_soft_memory_limit_finishes_its_call_first(tmp_path: Path) -> None:
    options = {"leak_bytes": 20 * MIB, "delay_s": 0.05}
    async with serving(tmp_path, options, memory_soft_bytes=250 * MIB) as server:
        old = server.worker()
        assert (await events(server.speak("a" * 20)))[-1] == "done"
        await server.replaced(old)
        assert (await events(server.speak("a")))[-1] == "done"
        assert (await server.metrics())['vigent_worker_restarts_total{reason="memory",service="tts"}'] == 1
        assert await server.check("liveness") == SERVING


async def test_worker_that_hangs_over_its_soft_memory_limit_counts_as_hung(tmp_path: Path) -> None:
    options = {"leak_bytes": 20 * MIB, "delay_s": 0.05, "action": "hang", "at_unit": 19}
    limits = {"memory_soft_bytes": 250 * MIB, "stall_budget_s": 3, "restart_limit": 0}
    async with serving(tmp_path, options, **limits) as server:
        code, error = await failure(server.speak("a" * 20))
        assert code is grpc.StatusCode.UNAVAILABLE
        assert isinstance(error, UnavailableError)
        assert error.reason == "STALLED"
        await server.until_metric('vigent_worker_state{service="tts",state="broken"}')
        assert (await server.metrics())['vigent_worker_restarts_total{reason="stall",service="tts"}'] == 1


async def test_worker_over_its_hard_memory_limit_is_killed(tmp_path: Path) -> None:
    options = {"leak_bytes": 20 * MIB, "delay_s": 0.05}
    async with serving(tmp_path, options, memory_hard_bytes=250 * MIB) as server:
        old = server.worker()
        code, _ = await failure(server.speak("a" * 200))
        assert code is grpc.StatusCode.UNAVAILABLE
        await server.replaced(old)
        assert (await server.metrics())['vigent_worker_restarts_total{reason="memory",service="tts"}'] == 1


@pytest.mark.fault("caller that reads slowly, or not at all")
async def test_memory_stays_flat_while_a_caller_reads_slowly(tmp_path: Path) -> None:
    """The engine could make 400 MB; both processes hold a window of it, whatever the length of the stream."""
    async with serving(tmp_path, {"units": 400, "unit_samples": MIB // 2}, caller_budget_s=60) as server:
        processes = [psutil.Process(server.process.pid), server.worker()]
        before = [process.memory_info().rss for process in processes]
        call = server.speak("slow", timeout_s=60)
        peaks = before
        for _ in range(40):
            await call.read()
            await asyncio.sleep(0.02)
            peaks = [max(peak, process.memory_info().rss) for peak, process in zip(peaks, processes, strict=True)]
        call.cancel()
        growth = [(peak - rss) / MIB for peak, rss in zip(peaks, before, strict=True)]
        print(f"resident memory grew by {growth[0]:.0f} MiB (server) and {growth[1]:.0f} MiB (worker)")
        assert max(growth) < 64


@pytest.mark.fault(
    "server or machine paused",
    promised="Nobody is held to a deadline that passed in the pause; calls go on.",
)
async def test_frozen_server_holds_its_worker_back_and_goes_on_when_thawed(tmp_path: Path) -> None:
    """SIGSTOP of the server, as a paused virtual machine, for longer than the budgets of engine and caller."""
    log_file = tmp_path / "units"
    units = 1000  # of 64 KiB, so that the worker waits for the server to take them and not for room in the pipe
    options = {"units": units, "unit_samples": MIB // 32, "log_file": log_file}
    async with serving(tmp_path, options, stall_budget_s=3, caller_budget_s=3) as server:
        process, worker = psutil.Process(server.process.pid), server.worker()
        call = server.speak(timeout_s=240)
        await until_event(call)
        process.suspend()
        await poll(lambda: _has_stood_still(log_file, 5))
        assert log_file.read_text(encoding="utf-8").count("unit") < units
        process.resume()
        assert (await events(call))[-1] == "done"
        assert server.worker() == worker


@pytest.mark.fault(
    "hours under load, with callers that crash",
    promised="Slots, queue, threads and handles are as before; `make soak` does it for as long as you like.",
)
async def test_storm_of_callers_and_deaths_leaves_nothing_behind(tmp_path: Path) -> None:
    """Callers that leave at any moment, and three killed workers: slots, queue, threads and handles are as before."""
    chance = random.Random(7)
    async with serving(tmp_path, {"delay_s": 0.002}, slots=2, queue_limit=100, restart_limit=9) as server:
        assert (await events(server.speak()))[-1] == "done"
        process = psutil.Process(server.process.pid)
        before = (process.num_threads(), process.num_fds())

        async def caller() -> None:
            call = server.speak("a" * chance.randint(1, 30))
            with contextlib.suppress(TimeoutError, grpc.aio.AioRpcError):
                await asyncio.wait_for(events(call), chance.uniform(0, 0.2))

        for _ in range(3):
            await asyncio.gather(*(caller() for _ in range(60)))
            old = server.worker()
            old.kill()
            await server.replaced(old)
        await server.until_metric('vigent_worker_active_requests{service="tts"}', 0)
        await server.until_metric('vigent_queue_depth{service="tts"}', 0)
        both = await asyncio.gather(*(events(server.speak()) for _ in range(2)))
        assert [kinds[-1] for kinds in both] == ["done", "done"]
        await poll(lambda: process.num_threads() <= before[0] and process.num_fds() <= before[1])


def _has_stood_still(file: Path, seconds: float) -> bool:
    return time.time() - file.stat().st_mtime > seconds
