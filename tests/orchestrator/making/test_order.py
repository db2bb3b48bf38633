"""Order among segments made side by side."""

import asyncio

from orchestrator.making.order import FrameClock, SegmentWindow


async def test_first_frames_follow_from_the_voices_before() -> None:
    clock = FrameClock()
    starts = [asyncio.create_task(clock.first_frame(index)) for index in range(3)]
    await clock.set_frames(1, 7)
    await clock.set_frames(0, 5)
    assert await asyncio.gather(*starts) == [0, 5, 12]


async def test_a_first_frame_waits_for_every_voice_before() -> None:
    clock = FrameClock()
    await clock.set_frames(1, 7)
    waiting = asyncio.create_task(clock.first_frame(2))
    await asyncio.wait({waiting}, timeout=0.05)
    assert not waiting.done()
    await clock.set_frames(0, 5)
    assert await waiting == 12


async def test_the_window_moves_with_the_lowest_unfinished_segment() -> None:
    window = SegmentWindow(2)
    await window.enter(0)
    await window.enter(1)
    third = asyncio.create_task(window.enter(2))
    await window.leave(1)
    await asyncio.wait({third}, timeout=0.05)
    assert not third.done()
    await window.leave(0)
    await third
