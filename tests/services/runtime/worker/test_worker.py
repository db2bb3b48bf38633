"""The worker without gRPC: what goes in, what comes out, how calls end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from services.base.errors import (
    ExhaustedError,
    FailedPreconditionError,
    InternalError,
    InvalidInputError,
    UnavailableError,
)
from services.enginekit.capabilities import Capabilities
from services.enginekit.progress import ProgressSnapshot
from services.runtime.worker.call import Call
from services.runtime.worker.worker import Worker
from tests.support.engines import Echo
from tests.support.servers import TIMEOUT_S, poll
from tests.support.workers import working


async def results(
    worker: Worker, method: str, request: object, inputs: AsyncIterator[object] | None = None
) -> list[object]:
    async with worker.call(method, request, inputs) as call:
        return [event async for event in call.events() if not isinstance(event, ProgressSnapshot)]


async def first_result(call: Call) -> object:
    """The first that is no progress."""
    async for event in call.events():
        if not isinstance(event, ProgressSnapshot):
            return event
    raise AssertionError("the call ended without a result")


async def count_to(number: int) -> AsyncIterator[int]:
    for item in range(number):
        yield item


async def test_attributes_methods_and_warm_up_are_known_once_ready() -> None:
    async with working(options={"key": "value"}) as worker:
        assert worker.attributes == {
            "rate_hz": 8000,
            "languages": ["en", "zh"],
            "warm": True,
            "options": {"key": "value"},
            "capabilities": Capabilities(),
        }


async def test_the_worker_gives_way_to_its_server() -> None:
    async with working() as worker:
        assert worker.process is not None
        assert psutil.Process(worker.process.pid).nice() > psutil.Process().nice()


async def test_inputs_and_events_keep_their_order_however_many() -> None:
    async with working() as worker:
        assert await results(worker, "echo", "", count_to(100)) == [Echo(item) for item in range(100)]


async def test_arrays_cross_whole_contiguous_or_not() -> None:
    async with working() as worker:
        whole, striped, empty = await results(worker, "picture", 1000)
    expected = np.arange(3000, dtype=np.uint8).reshape(1000, 3)
    np.testing.assert_array_equal(whole, expected)
    np.testing.assert_array_equal(striped, expected[:, ::2])
    assert isinstance(empty, np.ndarray)
    assert empty.shape == (0, 3)


async def test_inputs_are_taken_only_as_fast_as_the_engine_asks() -> None:
    sent: list[int] = []

    async def endless() -> AsyncIterator[int]:
        for item in range(1_000_000):
            sent.append(item)
            yield item

    async with working() as worker, worker.call("greedy", 5, endless()) as call:
        assert await first_result(call) == 5
    assert len(sent) <= 5 + 8 + 1  # taken, a window on the way, one in hand


async def test_error_in_the_inputs_ends_the_call_with_it() -> None:
    async def faulty() -> AsyncIterator[int]:
        yield 1
        raise InvalidInputError("Chunk 1 is out of order.", field="audio.sequence")

    async with working() as worker:
        with pytest.raises(InvalidInputError, match="out of order"):
            await results(worker, "echo", "", faulty())
        assert await results(worker, "echo", "", count_to(1)) == [Echo(0)]


async def test_failing_inputs_do_not_hang_the_call() -> None:
    async def broken() -> AsyncIterator[int]:
        yield 1
        raise KeyError("a fault of the servicer")

    async with working() as worker:
        with pytest.raises(InternalError):
            await results(worker, "echo", "", broken())


async def test_error_class_of_an_engine_arrives_as_the_base_that_we_know() -> None:
    async with working() as worker:
        with pytest.raises(InvalidInputError) as caught:
            await results(worker, "own_error", "text")
    assert type(caught.value) is InvalidInputError
    assert (caught.value.field, caught.value.reason) == ("text", "TOO_LONG")


async def test_what_cannot_cross_is_an_internal_error() -> None:
    async with working() as worker:
        with pytest.raises(InternalError):
            await results(worker, "unpicklable", "")
        assert await results(worker, "phases", ("one",)) == ["one"]


async def test_what_a_call_held_is_let_go_of_when_it_runs_out_of_memory() -> None:
    async with working() as worker:
        with pytest.raises(ExhaustedError) as exhausted:
            await results(worker, "exhausted", "")
        assert exhausted.value.reason == "OUT_OF_MEMORY"
        assert await results(worker, "holds", "") == [False]


async def test_call_that_cannot_be_ended_ends_its_worker() -> None:
    async with working() as worker:
        old = worker.process
        with pytest.raises(UnavailableError):
            await asyncio.wait_for(results(worker, "loses_device", ""), TIMEOUT_S)
        await poll(lambda: worker.process is not old and worker.available.is_set())
        assert await results(worker, "phases", ("one",)) == ["one"]


async def test_request_that_cannot_cross_leaves_no_mark_on_the_slot() -> None:
    async with working() as worker:
        with pytest.raises(Exception, match="pickle"):
            await results(worker, "phases", lambda: None)
        assert worker.process is not None
        assert not worker.process.snapshot(1).active
        assert await results(worker, "phases", ("one",)) == ["one"]


async def test_engine_that_tries_to_exit_ends_only_its_call() -> None:
    async with working() as worker:
        with pytest.raises(InternalError):
            await results(worker, "leaves", "")
        assert await results(worker, "phases", ("one",)) == ["one"]


async def test_leaving_a_call_closes_the_engines_generator(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    async with working() as worker:
        async with worker.call("silent", str(closed)) as call:
            assert await first_result(call) == "tick"
        await poll(closed.exists)
        await poll(lambda: not worker.calls)


async def test_two_slots_work_side_by_side() -> None:
    async with working(slots=2) as worker:
        meeting = asyncio.Event()

        async def meet() -> AsyncIterator[int]:
            """Ends only when both calls are at work."""
            yield 1
            if len(worker.calls) == 2:
                meeting.set()
            await meeting.wait()

        both = await asyncio.gather(results(worker, "echo", "a", meet()), results(worker, "echo", "b", meet()))
        assert both == [[Echo(1)], [Echo(1)]]


async def test_units_are_counted_by_phase_and_calls_know_theirs() -> None:
    async with working() as worker:
        async with worker.call("phases", ("one", "two")) as call:
            await call.ended
            snapshot = call.snapshot()
        assert (snapshot.phase, snapshot.units_done, snapshot.units_total) == ("two", 2, 2)
        assert (snapshot.budget_ns, snapshot.lifetime_units) == (7_500_000_000, 4)
        total = worker.units.total()
        assert (total["one"], total["two"]) == (2, 2)


async def test_call_that_has_ended_does_not_tell_how_far_the_next_one_is() -> None:
    async with working() as worker, worker.call("phases", ("one",)) as first:
        await first.ended
        async with worker.call("phases", ("two", "three")) as second:
            await second.ended
            assert (first.snapshot().phase, second.snapshot().phase) == ("one", "three")


async def test_missing_weights_are_told_to_every_call_until_they_are_there(tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    async with working("NeedsWeights", checkpoint=weights, recovery={"reload_pause_s": 0.05}) as worker:
        await poll(lambda: worker.problem is not None)
        for _ in range(2):
            with pytest.raises(FailedPreconditionError) as refused:
                await results(worker, "phases", ("one",))
            assert (refused.value.problem, refused.value.remedy) == ("There is no checkpoint.", "Pull one.")
        assert not worker.ready
        assert worker.live
        weights.touch()
        await poll(worker.available.is_set)  # it is set for a moment whenever it fails to load, too
        assert await results(worker, "phases", ("one",)) == ["one"]
        assert worker.problem is None


async def test_calls_that_wait_for_a_worker_learn_that_it_cannot_be_loaded(tmp_path: Path) -> None:
    """Two calls stand in the line when the worker dies and its weights have gone: neither is left there."""
    weights = tmp_path / "weights"
    weights.touch()
    async with (
        working("NeedsWeights", checkpoint=weights, recovery={"reload_pause_s": 60}) as worker,
        worker.call("silent", str(tmp_path / "closed")) as call,
    ):
        assert await first_result(call) == "tick"
        waiting = [asyncio.create_task(results(worker, "phases", ("one",))) for _ in range(2)]
        await poll(lambda: worker.admission.queue_depth == 2)
        weights.unlink()
        assert worker.process is not None
        worker.process.signal(signal.SIGKILL)
        for task in waiting:
            with pytest.raises(FailedPreconditionError, match="no checkpoint"):
                await asyncio.wait_for(task, TIMEOUT_S)


async def test_engine_that_cannot_be_imported_is_named() -> None:
    with pytest.raises(InvalidInputError, match="NoSuchEngine"):
        async with working("NoSuchEngine"):
            pass


async def test_engine_whose_packages_are_missing_is_waited_for() -> None:
    async with working("NeedsPackage", module="tests.support.needs_package") as worker:
        with pytest.raises(FailedPreconditionError, match="No module named 'not_installed'") as refused:
            await results(worker, "phases", ("one",))
        assert refused.value.reason == "ENGINE_NOT_INSTALLED"


async def test_calls_are_refused_while_there_is_no_worker() -> None:
    async with working() as worker:
        await worker.close()
        with pytest.raises(UnavailableError):
            await results(worker, "phases", ())
