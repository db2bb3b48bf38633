"""The pictures of a segment: patches from lip-sync and overlay pictures, composed and encoded as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, aclosing, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from orchestrator.film.compose import OverlayImage, PatchImage, Seam, SegmentComposer
from orchestrator.making.retry import RetryPolicy
from orchestrator.making.servers import CALL_TIMEOUT_S, DRAWER, Service
from orchestrator.making.take import Take
from orchestrator.making.words import audio_format, audio_requests
from services.base.client import remote_errors
from services.base.errors import InternalError, UnavailableError, VigentError
from services.base.tracing.spans import begin
from vigent.lipsync.v1 import lipsync_pb2
from vigent.lipsync.v1.lipsync_pb2_grpc import LipsyncServiceStub
from vigent.overlay.v1 import overlay_pb2
from vigent.overlay.v1.overlay_pb2_grpc import OverlayServiceStub

_T = TypeVar("_T")
_FRAME_BUDGET_S = 60.0
"""Time that composing a frame takes at the very most: 4K on a crowded machine takes two seconds."""


class LipsyncCall:
    """A lip-sync call under way: it hears the take from now on, and is read once its patches can be composed.

    Until then flow control holds it back: gRPC buffers a few MiB, then the engine waits.
    """

    def __init__(self, stub: LipsyncServiceStub, opening: lipsync_pb2.LipsyncOpen, take: Take) -> None:
        opening.format.CopyFrom(audio_format(take))
        requests = audio_requests(lipsync_pb2.LipsyncRequest, opening, lipsync_pb2.LipsyncEnd, take)
        self._span = begin("lip-sync")
        self._call = stub.Lipsync(requests, timeout=CALL_TIMEOUT_S, metadata=self._span.metadata)
        self.frames_without_face = 0

    async def patches(self) -> AsyncGenerator[lipsync_pb2.Patch, None]:
        """One patch per film frame, in order."""
        try:
            with remote_errors():
                async for response in self._call:
                    match response.WhichOneof("event"):
                        case "patch":
                            yield response.patch
                        case "done":
                            self.frames_without_face = response.done.frames_without_face
        finally:
            self.cancel()

    def cancel(self) -> None:
        """Ends the call, whether it was read or not."""
        self._call.cancel()
        self._span.end()


class OverlayPictures:
    """Overlay pictures in the order of their first frames, fetched just ahead of the frames that they cover.

    When a server goes away, another one renders anew and the pictures that were already handed out are skipped: the
    same request gives the same pictures.
    """

    def __init__(
        self, service: Service[OverlayServiceStub], request: overlay_pb2.RenderRequest, policy: RetryPolicy
    ) -> None:
        self._service, self._request, self._policy = service, request, policy
        self._responses: AsyncIterator[overlay_pb2.RenderResponse] | None = None
        self._open, self._span = ExitStack(), begin("overlay")
        self._seen = self._given = 0
        self._next: OverlayImage | None = None
        self._ended = False

    async def until(self, film_frame: int) -> list[OverlayImage]:
        """Pictures not handed out yet that begin at or before `film_frame`."""
        due = []
        while not self._ended:
            if self._next is None:
                self._next = await self._policy.retried(self._fetch, self._service.at(DRAWER))
                self._ended = self._next is None
            if self._next is None or self._next.first_film_frame > film_frame:
                break
            due.append(self._next)
            self._next = None
        return due

    def close(self) -> None:
        """Ends the call."""
        self._hang_up()
        self._span.end()

    def _hang_up(self) -> None:
        self._open.close()
        self._responses = None

    async def _fetch(self) -> OverlayImage | None:
        try:
            with remote_errors():
                return await self._picture(self._responses or self._start())
        except VigentError:
            self._hang_up()
            raise

    def _start(self) -> AsyncIterator[overlay_pb2.RenderResponse]:
        stub = self._open.enter_context(self._service.least_busy())
        call = stub.Render(self._request, timeout=CALL_TIMEOUT_S, metadata=self._span.metadata)
        self._open.callback(call.cancel)
        self._seen, self._responses = 0, aiter(call)
        return self._responses

    async def _picture(self, responses: AsyncIterator[overlay_pb2.RenderResponse]) -> OverlayImage | None:
        async for response in responses:
            if response.WhichOneof("event") == "picture":
                self._seen += 1
                if self._seen > self._given:
                    self._given = self._seen
                    return _overlay_image(response.picture)
        return None


@dataclass(frozen=True)
class DrawnPlace:
    """A segment as it is drawn: the first number of its frames in the overlay's request and in the footage.

    The footage is counted on through its turns; `next_footage_frame` is where the segment after it begins there.
    """

    first_drawn_frame: int
    first_footage_frame: int
    frames: int
    next_footage_frame: int

    @property
    def footage_offset(self) -> int:
        """From a drawn frame to its place in the footage."""
        return self.first_footage_frame - self.first_drawn_frame

    @property
    def seam(self) -> Seam | None:
        """How it ends where the footage does not run on."""
        if self.next_footage_frame == self.first_footage_frame + self.frames:
            return None
        return Seam(self.first_drawn_frame + self.frames, self.next_footage_frame)


async def compose_segment(
    start: Callable[[Path], SegmentComposer],
    target: Path,
    place: DrawnPlace,
    lipsync: LipsyncCall,
    overlays: OverlayPictures,
    report: Callable[[int], None],
    budget_s: float = _FRAME_BUDGET_S,
) -> None:
    """Writes the film of a segment to `target`, frame by frame; `report` gets the number of frames done.

    Lip-sync counts its frames in the footage, the overlay as they are drawn.

    Composing has a thread of its own, so that decoding, encoding and the streams run side by side. Raises
    UnavailableError (STALLED) when a frame takes longer than `budget_s`.
    """
    with closing(_ComposingThread(budget_s)) as thread:
        composer = await thread.run(lambda: start(target))
        try:
            done = 0
            async with aclosing(lipsync.patches()) as patches:
                async for patch in patches:
                    _check_order(patch, place.first_footage_frame + done)
                    for picture in await overlays.until(place.first_drawn_frame + done):
                        composer.add_overlay(picture)
                    await thread.run(partial(composer.add_frame, patch_image(patch)))
                    done += 1
                    report(done)
            if done != place.frames:
                raise InternalError(f"Lip-sync made {done} of {place.frames} frames.", "Try again.")
            await thread.run(composer.finish)
        finally:
            if not thread.stalled:
                await asyncio.shield(thread.run(lambda: composer.__exit__(None, None, None)))


class _ComposingThread:
    """Runs one thing at a time. One that does not come back is left behind: a thread cannot be ended."""

    def __init__(self, budget_s: float) -> None:
        self.stalled = False
        self._pool, self._budget_s = ThreadPoolExecutor(1, thread_name_prefix="compose"), budget_s

    async def run(self, work: Callable[[], _T]) -> _T:
        running = asyncio.get_running_loop().run_in_executor(self._pool, work)
        done, _ = await asyncio.wait([running], timeout=self._budget_s)
        if not done:
            self.stalled = True
            problem = f"Composing a frame stood still for {self._budget_s:g} s."
            raise UnavailableError(problem, "Try again.", reason="STALLED", retry_after_s=1.0)
        return running.result()

    def close(self) -> None:
        self._pool.shutdown(wait=False)


def _check_order(patch: lipsync_pb2.Patch, expected: int) -> None:
    if patch.film_frame != expected:
        raise InternalError(f"Lip-sync sent frame {patch.film_frame} where {expected} belongs.", "Try again.")


def patch_image(patch: lipsync_pb2.Patch) -> PatchImage | None:
    """The patch as the composer wants it; None leaves the footage as it is."""
    box = patch.box
    if not box.width:
        return None
    pixels = np.frombuffer(patch.data, np.uint8).reshape(box.height, box.width, 3)
    return PatchImage(box.x, box.y, pixels)


def _overlay_image(picture: overlay_pb2.OverlayPicture) -> OverlayImage:
    pixels = np.frombuffer(picture.data, np.uint8).reshape(picture.height, picture.width, 4)
    return OverlayImage(picture.first_film_frame, picture.frames, picture.x, picture.y, pixels)
