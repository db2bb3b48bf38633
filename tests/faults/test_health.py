"""A hung engine is found by its progress and replaced; the server answers health checks all the while."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2

from services.base.errors import UnavailableError, VigentError
from tests.support import servers
from tests.support.servers import (
    NOT_SERVING,
    SERVING,
    TIMEOUT_S,
    TTS,
    Server,
    events,
    failure,
    listening,
    until_event,
)

serving = partial(servers.serving, stall_budget_s=3)


@contextlib.asynccontextmanager
async def checked_all_the_while(server: Server) -> AsyncIterator[list[float]]:
    """Asks for `liveness` every 20 ms; the times that the answers took."""
    answers_s: list[float] = []

    async def check() -> None:
        while True:
            started_s = time.perf_counter()
            await server.check("liveness")
            answers_s.append(time.perf_counter() - started_s)
            await asyncio.sleep(0.02)

    task = asyncio.create_task(check())
    try:
        yield answers_s
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    assert answers_s
    print(f"{len(answers_s)} checks answered, slowest {1000 * max(answers_s):.1f} ms")


@pytest.mark.fault(
    "engine hangs: C code, an endless loop",
    promised="Callers get UNAVAILABLE (STALLED) after its stall budget; stacks are dumped, the worker is "
    "replaced, health answers.",
)
@pytest.mark.parametrize("action", ["hang", "hang_holding_gil", "stop", "stop_waiting", "spin"])
async def test_hung_worker_is_replaced_while_health_answers(tmp_path: Path, action: str) -> None:
    options = {"action": action, "at_unit": 1, "once_file": tmp_path / "once"}
    async with serving(tmp_path, options, recovery__kill_grace_s=2) as server, checked_all_the_while(server):
        old = server.worker()
        turned_away = await server.turning_away()
        code, error = await failure(server.speak())
        await turned_away
        assert code is grpc.StatusCode.UNAVAILABLE
        assert isinstance(error, UnavailableError)
        assert (error.reason, error.retry_after_s) == ("STALLED", 1.0)
        assert "in phase 'synthesize' after" in error.problem

        await server.replaced(old)
        assert not old.is_running()
        assert (await events(server.speak()))[-1] == "done"
        metrics = await server.metrics()
        assert metrics['vigent_worker_restarts_total{reason="stall",service="tts"}'] == 1
    if not action.startswith("stop"):
        assert "in synthesize" in server.log.read_text(encoding="utf-8")  # the stack dump names where it hung


@pytest.mark.fault(
    "engine that works and never finishes anything",
    promised="The same: neither a new phase nor a wait is progress.",
)
@pytest.mark.parametrize("action", ["change_phase", "wait_in_vain"])
async def test_livelock_is_a_hang(tmp_path: Path, action: str) -> None:
    """The record is written all the time, and nothing is ever finished."""
    async with serving(tmp_path, {"action": action, "once_file": tmp_path / "once"}) as server:
        old = server.worker()
        code, error = await failure(server.speak())
        assert code is grpc.StatusCode.UNAVAILABLE
        assert isinstance(error, UnavailableError)
        assert error.reason == "STALLED"
        await server.replaced(old)
        assert (await events(server.speak()))[-1] == "done"


@pytest.mark.fault(
    "worker stopped (SIGSTOP)",
    promised="Found within its stall budget and replaced, in a call, between two or while idle; health "
    "answers all the while.",
)
async def test_worker_stopped_between_units_is_replaced(tmp_path: Path) -> None:
    async with serving(tmp_path, {"delay_s": 0.05}) as server, checked_all_the_while(server):
        call = server.speak("a" * 100)
        await until_event(call)
        worker = server.worker()
        worker.send_signal(signal.SIGSTOP)
        code, _ = await failure(call)
        assert code is grpc.StatusCode.UNAVAILABLE
        await server.replaced(worker)
        assert (await events(server.speak()))[-1] == "done"


@pytest.mark.fault("worker stopped (SIGSTOP)")
@pytest.mark.parametrize("action", ["stop", "hang_holding_gil"])
async def test_worker_that_freezes_while_idle_is_replaced_without_any_call(tmp_path: Path, action: str) -> None:
    idle_file = tmp_path / "freeze"
    options = {"idle_action": action, "idle_file": idle_file}
    async with serving(tmp_path, options) as server, checked_all_the_while(server):
        old = server.worker()
        turned_away = await server.turning_away()
        idle_file.touch()
        await turned_away
        await server.replaced(old)
        assert not old.is_running()
        assert (await server.metrics())['vigent_worker_restarts_total{reason="stall",service="tts"}'] == 1
        assert (await events(server.speak()))[-1] == "done"
    assert "computes nothing and gives no sign of life" in server.log.read_text(encoding="utf-8")


async def test_thread_that_works_on_after_its_call_is_ended_with_the_worker(tmp_path: Path) -> None:
    """Nobody can cancel it, and as long as it seems to work, nobody asks the worker whether it lives."""
    async with serving(tmp_path, {"action": "linger", "once_file": tmp_path / "once"}) as server:
        old = server.worker()
        assert (await events(server.speak()))[-1] == "done"
        await server.replaced(old)
        assert (await events(server.speak()))[-1] == "done"


@pytest.mark.fault("device out of memory")
async def test_engine_that_does_not_let_go_of_its_memory_is_replaced(tmp_path: Path) -> None:
    """Its method has ended, its call has not."""
    async with serving(tmp_path, {"action": "oom_hang", "once_file": tmp_path / "once"}) as server:
        old = server.worker()
        code, error = await failure(server.speak())
        assert code is grpc.StatusCode.UNAVAILABLE
        assert "in phase 'release memory'" in str(error)
        await server.replaced(old)
        assert (await events(server.speak()))[-1] == "done"


async def test_dead_worker_that_the_kernel_does_not_let_go_of_is_replaced(tmp_path: Path) -> None:
    """A child of the worker holds its pipe open, as a driver that hangs would hold all of it."""
    options = {"action": "kill_but_fork", "once_file": tmp_path / "once"}
    async with serving(tmp_path, options, recovery__exit_budget_s=0.2) as server:
        watch = server.health.Watch(health_pb2.HealthCheckRequest(service=TTS), timeout=TIMEOUT_S)
        told = [(await watch.read()).status]
        old = server.worker()
        code, _ = await failure(server.speak())
        assert code is grpc.StatusCode.UNAVAILABLE
        told += [(await watch.read()).status for _ in range(2)]
        assert told == [SERVING, NOT_SERVING, SERVING]
        assert server.worker() != old  # it was ready again with another one, not in between
        assert (await events(server.speak()))[-1] == "done"
        assert "is not gone" in server.log.read_text(encoding="utf-8")


async def test_idle_worker_is_left_alone(tmp_path: Path) -> None:
    """Longer than it may be silent, after calls whose units kept it from answering."""
    async with serving(tmp_path, {"gil_delay_s": 1, "budget_s": 30}) as server:
        worker = server.worker()
        for text in ("a", "bc"):
            assert (await events(server.speak(text)))[-1] == "done"
        idle_s = 0.0
        while idle_s < 4:
            await asyncio.sleep(0.02)
            assert await server.check() == SERVING
            scraped = await server.metrics()
            idle_s = scraped['vigent_worker_progress_age_seconds{service="tts"}']
        assert server.worker() == worker


async def test_worker_stopped_while_idle_is_replaced_at_the_next_call(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        worker = server.worker()
        worker.send_signal(signal.SIGSTOP)
        code, error = await failure(server.speak())
        assert code is grpc.StatusCode.UNAVAILABLE
        assert "'start'" in str(error)
        await server.replaced(worker)
        assert (await events(server.speak()))[-1] == "done"


async def test_engine_that_obeys_the_cancel_is_not_killed(tmp_path: Path) -> None:
    options = {"action": "wait", "once_file": tmp_path / "once"}
    async with serving(tmp_path, options, recovery__cancel_grace_s=30) as server:
        worker = server.worker()
        code, _ = await failure(server.speak())
        assert code is grpc.StatusCode.UNAVAILABLE
        await server.until(SERVING)
        assert server.worker() == worker
        assert (await events(server.speak()))[-1] == "done"


@pytest.mark.fault(
    "call in line behind one that hangs",
    promised="Sent back at once, so that another replica takes it.",
)
async def test_call_in_line_behind_a_hung_one_is_sent_back_at_once(tmp_path: Path) -> None:
    """Long before the worker is replaced, here never: it has for ever to obey the cancel."""
    options = {"action": "hang", "only_for": "first"}
    async with serving(tmp_path, options, recovery__cancel_grace_s=600) as server:
        worker, first = server.worker(), server.speak("first")
        await until_event(first, "accepted")
        codes = await asyncio.gather(*(failure(call) for call in (first, server.speak("a"), server.speak("b"))))
        assert [code for code, _ in codes] == [grpc.StatusCode.UNAVAILABLE] * 3
        sent_back = codes[1][1]
        assert isinstance(sent_back, UnavailableError)
        assert (sent_back.reason, sent_back.retry_after_s) == ("STALLED", 0.0)
        assert server.worker() == worker


@pytest.mark.fault("engine hangs: C code, an endless loop")
async def test_call_that_hangs_while_another_one_is_being_cancelled_is_told_at_its_own_time(tmp_path: Path) -> None:
    """Its slot is looked at while the first one has for ever to obey."""
    settings = {"slots": 2, "stall_budget_s": 2, "recovery__cancel_grace_s": 600}
    async with serving(tmp_path, {"action": "hang"}, **settings) as server:
        worker, first = server.worker(), server.speak("first")
        await until_event(first, "accepted")
        await asyncio.sleep(1)  # no event: half a budget is what has to lie between the two
        second = server.speak("second")
        await until_event(second, "accepted")
        errors = [(await failure(call))[1] for call in (first, second)]
        assert [error.reason for error in errors] == ["STALLED", "STALLED"]  # type: ignore[attr-defined]
        assert server.worker() == worker
    assert server.log.read_text(encoding="utf-8").count("hangs in") == 2


@pytest.mark.fault(
    "C code keeps the interpreter to itself",
    promised="Health answers, and no call is taken for hung because of another one.",
)
async def test_slot_that_another_one_keeps_from_working_is_not_taken_for_hung(tmp_path: Path) -> None:
    """A unit of the one keeps the GIL for longer than the other's budget, which begins meanwhile."""
    options = {"gil_delay_s": 6, "budget_s": 60}
    async with serving(tmp_path, options, slots=2, stall_budget_s=4) as server:
        worker = server.worker()
        one = server.speak("a")
        await until_event(one, "accepted")
        other = server.speak("b")
        assert [(await events(call))[-1] for call in (one, other)] == ["done", "done"]
        assert server.worker() == worker


@pytest.mark.fault("slow engine that advances", promised="Never ended, however long it takes; its progress is told.")
async def test_slow_engine_that_advances_is_not_touched(tmp_path: Path) -> None:
    """Three times the stall budget in all, but each unit within it."""
    async with serving(tmp_path, {"delay_s": 0.5}, progress_interval_s=0.1) as server:
        worker = server.worker()
        kinds = await events(server.speak("a" * 18))
        assert kinds.count("audio") == 18
        assert kinds.count("progress") > 18
        assert server.worker() == worker
        assert not sum(value for name, value in (await server.metrics()).items() if "worker_restarts_total" in name)


async def test_done_comes_last_however_long_the_engine_takes_to_end(tmp_path: Path) -> None:
    end_file = tmp_path / "end"
    async with serving(tmp_path, {"end_file": end_file}, progress_interval_s=0.05) as server:
        call = server.speak("a")
        await until_event(call)
        await until_event(call, "progress")
        end_file.touch()
        kinds = await events(call)
        assert kinds.count("done") == 1
        assert kinds[-1] == "done"


@pytest.mark.fault(
    "caller that reads slowly, or not at all",
    promised="Memory stays bounded and the engine waits; after `caller_budget_s` the slot is given to the next.",
)
async def test_slow_reader_is_no_hang(tmp_path: Path) -> None:
    async with serving(tmp_path, {"units": 40, "unit_samples": 500_000}) as server:
        worker = server.worker()
        call = server.speak()
        await until_event(call)
        stood_still_s = 0.0
        while stood_still_s < 5:  # longer than an engine, or an idle worker, may be silent
            await asyncio.sleep(0.02)
            scraped = await server.metrics()
            stood_still_s = scraped['vigent_worker_progress_age_seconds{service="tts"}']
        assert await server.check() == SERVING
        assert scraped['vigent_worker_stall_budget_seconds{service="tts"}'] == 120  # as the gateway judges by it
        assert (await events(call))[-1] == "done"
        assert server.worker() == worker


async def test_engine_that_describes_itself_slowly_is_still_loading(tmp_path: Path) -> None:
    """Longer than an idle worker may be silent."""
    async with serving(tmp_path, {"voices_delay_s": 5}) as server:
        assert not sum(value for name, value in (await server.metrics()).items() if "worker_restarts_total" in name)
        assert (await events(server.speak()))[-1] == "done"


@pytest.mark.fault("engine hangs: C code, an endless loop")
async def test_hang_while_loading_is_found(tmp_path: Path) -> None:
    async with listening(tmp_path, {"load_action": "hang"}, load_budget_s=1.5) as server:
        await server.until(NOT_SERVING, "liveness")  # two workers died without a unit
        assert await server.check() == NOT_SERVING
        metrics = await server.metrics()
        assert metrics['vigent_worker_restarts_total{reason="stall",service="tts"}'] >= 2


async def test_two_fruitless_deaths_ask_for_a_new_pod_and_one_unit_takes_it_back(tmp_path: Path) -> None:
    options = {"action": "kill", "only_for": "poison"}
    async with serving(tmp_path, options) as server:
        for text in ("poison one", "poison two"):
            assert await server.check("liveness") == SERVING
            worker = server.worker()
            await failure(server.speak(text))
            await server.replaced(worker)
        assert await server.check("liveness") == NOT_SERVING
        await events(server.speak("good"))
        await server.until(SERVING, "liveness")


@pytest.mark.fault(
    "crash loop",
    promised="After six deaths in ten minutes it is not live and rests, says so to callers, and is tried again.",
)
async def test_crash_loop_rests_without_life_and_is_tried_again(tmp_path: Path) -> None:
    limits = {"restart_limit": 0, "recovery__restart_window_s": 5}
    async with serving(tmp_path, {"action": "exit", "only_for": "poison"}, **limits) as server:
        watch = server.health.Watch(health_pb2.HealthCheckRequest(service="liveness"), timeout=TIMEOUT_S)
        told = [(await watch.read()).status]
        assert (await events(server.speak("good")))[-1] == "done"
        await failure(server.speak("poison"))
        told += [(await watch.read()).status for _ in range(2)]
        assert told == [SERVING, NOT_SERVING, SERVING]
        await server.until(SERVING)
        assert (await events(server.speak("good")))[-1] == "done"
    assert "the worker died too often; it is started again in 5 s" in server.log.read_text(encoding="utf-8")


@pytest.mark.fault("crash loop")
async def test_callers_of_a_crash_loop_are_told(tmp_path: Path) -> None:
    async with serving(tmp_path, {"action": "exit"}, restart_limit=0) as server:
        await failure(server.speak("one"))
        await server.until_metric('vigent_worker_state{service="tts",state="broken"}')
        code, error = await failure(server.speak("two"))
        assert code is grpc.StatusCode.UNAVAILABLE
        assert isinstance(error, VigentError)
        assert "rests" in error.problem
        assert [await server.check(name) for name in ("", "liveness")] == [NOT_SERVING, NOT_SERVING]
