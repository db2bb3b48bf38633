"""Order among segments that are made side by side: which may start, and at which film frame each begins."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass


@dataclass(frozen=True)
class SegmentPlace:
    """Film frames [first_film_frame, first_film_frame + frames)."""

    first_film_frame: int
    frames: int


class SegmentWindow:
    """Lets a segment start when it is within `width` segments of the first unfinished one.

    This keeps memory flat on long scripts and makes the film grow from its beginning.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._finished: set[int] = set()
        self._lowest = 0
        self._moved = asyncio.Condition()

    async def enter(self, index: int) -> None:
        """Waits until segment `index` may start."""
        async with self._moved:
            await self._moved.wait_for(lambda: index < self._lowest + self._width)

    async def leave(self, index: int) -> None:
        """Notes that segment `index` is finished."""
        async with self._moved:
            self._finished.add(index)
            while self._lowest in self._finished:
                self._finished.remove(self._lowest)
                self._lowest += 1
            self._moved.notify_all()


class FrameClock:
    """The first film frame of each segment, known as soon as the voices before it are finished."""

    def __init__(self) -> None:
        self._frames: dict[int, int] = {}
        self._starts = [0]
        self._known = asyncio.Condition()

    async def set_frames(self, index: int, frames: int) -> None:
        """Notes how many film frames segment `index` has; saying so again changes nothing."""
        async with self._known:
            self._frames[index] = frames
            while (following := len(self._starts) - 1) in self._frames:
                self._starts.append(self._starts[-1] + self._frames[following])
            self._known.notify_all()

    async def first_frame(self, index: int) -> int:
        """Waits for the voices before segment `index` and returns its first film frame."""
        async with self._known:
            await self._known.wait_for(lambda: index < len(self._starts))
        return self._starts[index]
