"""A caller's deadline holds for what is done on its behalf, and for nobody else."""

from __future__ import annotations

import asyncio

from services.base.deadline import set_time_left_s, time_left_s


async def test_threads_and_tasks_of_a_call_have_its_deadline() -> None:
    async def call(seconds: float | None) -> tuple[float | None, float | None]:
        set_time_left_s(seconds)
        return time_left_s(), await asyncio.to_thread(time_left_s)

    (left_s, in_thread_s), without = await asyncio.gather(call(100), call(None))
    assert left_s is not None
    assert in_thread_s is not None
    assert 90 < in_thread_s <= left_s <= 100
    assert without == (None, None)
    assert time_left_s() is None
