from __future__ import annotations

import asyncio

import pytest

from services.base.errors import ExhaustedError
from services.runtime.worker.admission import Admission


async def test_slots_go_out_in_order_and_the_queue_is_bounded() -> None:
    refused: list[str] = []
    admission = Admission(slots=2, queue_limit=2, refused=refused.append)
    one, two = await admission.acquire(), await admission.acquire()
    assert {one.number, two.number} == {1, 2}
    first, second = asyncio.create_task(admission.acquire()), asyncio.create_task(admission.acquire())
    await asyncio.sleep(0)
    assert admission.queue_depth == 2
    with pytest.raises(ExhaustedError) as caught:
        await admission.acquire()
    assert caught.value.retry_after_s is not None
    assert refused == ["queue_full"]

    admission.release(two)
    slot = await first
    assert (slot.number, slot.queue_position) == (two.number, 0)
    admission.release(slot)
    assert (await second).queue_position == 1


async def test_nobody_overtakes_those_who_wait() -> None:
    admission = Admission(slots=1, queue_limit=5)
    held = await admission.acquire()
    waiting = asyncio.create_task(admission.acquire())
    await asyncio.sleep(0)
    admission.release(held)
    late = asyncio.create_task(admission.acquire())
    assert (await waiting).number == 1
    await asyncio.sleep(0)
    assert not late.done()
    late.cancel()


async def test_caller_that_leaves_is_forgotten() -> None:
    refused: list[str] = []
    admission = Admission(slots=1, queue_limit=5, refused=refused.append)
    held = await admission.acquire()
    leaving, staying = asyncio.create_task(admission.acquire()), asyncio.create_task(admission.acquire())
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.sleep(0)
    assert admission.queue_depth == 1
    assert refused == ["caller_left"]
    admission.release(held)
    assert (await staying).number == 1


async def test_slot_that_comes_in_the_moment_of_leaving_is_not_lost() -> None:
    admission = Admission(slots=1, queue_limit=5)
    held = await admission.acquire()
    leaving = asyncio.create_task(admission.acquire())
    await asyncio.sleep(0)
    admission.release(held)  # the slot is on its way to a task
    leaving.cancel()  # that leaves before it runs
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert (await asyncio.wait_for(admission.acquire(), 30)).number == 1


async def test_hint_grows_with_the_queue() -> None:
    hints = []
    for queue_limit in (0, 10):
        admission = Admission(slots=1, queue_limit=queue_limit)
        await admission.acquire()
        tasks = [asyncio.create_task(admission.acquire()) for _ in range(queue_limit)]
        await asyncio.sleep(0)
        with pytest.raises(ExhaustedError) as caught:
            await admission.acquire()
        hints.append(caught.value.retry_after_s)
        for task in tasks:
            task.cancel()
    assert hints == [1.0, 11.0]
