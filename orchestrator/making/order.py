"""Order among segments that are made side by side: which may start, and at which film frame each begins."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class SegmentPlace:
    """Film frames [first_film_frame, first_film_frame + frames)."""

    first_film_frame: int
    frames: int


@dataclass(frozen=True)
class SegmentStart:
    """Where a segment begins: in the film, and in the footage, counted on through its turns."""

    film_frame: int
    footage_frame: int


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
    """Where each segment begins, known as soon as the voices before it are finished.

    Footage runs on from segment to segment. `footage_starts` has those whose footage begins elsewhere: it is that of a
    film before, in which a sentence was longer or shorter, so that they are found and not made again.
    """

    def __init__(self, footage_starts: Mapping[int, int] | None = None) -> None:
        self._footage_starts = footage_starts or {}
        self._frames: dict[int, int] = {}
        self._starts = [SegmentStart(0, self._footage_starts.get(0, 0))]
        self._known = asyncio.Condition()

    async def set_frames(self, index: int, frames: int) -> None:
        """Notes how many film frames segment `index` has; saying so again changes nothing."""
        async with self._known:
            self._frames[index] = frames
            while len(self._starts) - 1 in self._frames:
                self._starts.append(self._following())
            self._known.notify_all()

    async def start(self, index: int) -> SegmentStart:
        """Waits for the voices before segment `index` and returns where it begins."""
        async with self._known:
            await self._known.wait_for(lambda: index < len(self._starts))
        return self._starts[index]

    def footage_after(self, index: int) -> int | None:
        """Where the footage of the segment after `index` begins, unless it runs on."""
        return self._footage_starts.get(index + 1)

    def _following(self) -> SegmentStart:
        last, frames, index = self._starts[-1], self._frames[len(self._starts) - 1], len(self._starts)
        footage_frame = self._footage_starts.get(index, last.footage_frame + frames)
        return SegmentStart(last.film_frame + frames, footage_frame)
