"""Order among segments made side by side."""

import asyncio

from orchestrator.making.order import FrameClock, SegmentStart, SegmentWindow


async def test_first_frames_follow_from_the_voices_before() -> None:
    clock = FrameClock()
    starts = [asyncio.create_task(clock.start(index)) for index in range(3)]
    await clock.set_frames(1, 7)
    await clock.set_frames(0, 5)
    assert await asyncio.gather(*starts) == [SegmentStart(0, 0), SegmentStart(5, 5), SegmentStart(12, 12)]


async def test_footage_runs_on_from_where_it_is_told_to_begin() -> None:
    """The sentence before it was shorter in the film from which the place comes."""
    clock = FrameClock({1: 3})
    for index, frames in enumerate((5, 7, 1)):
        await clock.set_frames(index, frames)
    assert [await clock.start(index) for index in range(3)] == [
        SegmentStart(0, 0),
        SegmentStart(5, 3),
        SegmentStart(12, 10),
    ]
    assert [clock.footage_after(index) for index in range(3)] == [3, None, None]


async def test_a_first_frame_waits_for_every_voice_before() -> None:
    clock = FrameClock()
    await clock.set_frames(1, 7)
    waiting = asyncio.create_task(clock.start(2))
    await asyncio.wait({waiting}, timeout=0.05)
    assert not waiting.done()
    await clock.set_frames(0, 5)
    assert (await waiting).film_frame == 12


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
