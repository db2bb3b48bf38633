"""A sample of a film before it is made: its first sentence, still or moving, drawn by the code and engines of the film.

The voice alone is missing: the words of the caption are spread over the time that they will take, and lips stay still.
"""

from __future__ import annotations

import asyncio
import io
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress

from PIL import Image

from orchestrator.film.compose import Canvas, OverlayImage, SegmentComposer
from orchestrator.film.encode import EncoderSettings
from orchestrator.film.footage import FootageReader
from orchestrator.making.order import SegmentPlace
from orchestrator.making.overlay_text import OverlayText
from orchestrator.making.pictures import OverlayPictures
from orchestrator.making.plan import FilmPlan, box_of, look_at_footage
from orchestrator.making.retry import RetryPolicy
from orchestrator.making.servers import Servers
from services.base.errors import NotFoundError
from services.media.colours import Rgb
from services.media.store import MediaStore, StoredFile
from services.media.timeline import FRAME_RATE_HZ
from services.text.sentences import split_script
from services.text.timing import spoken_units
from vigent.jobs.v1 import jobs_pb2
from vigent.lipsync.v1 import lipsync_pb2
from vigent.overlay.v1 import overlay_pb2

SAMPLE_FRAME = 30
"""Title and caption have come in, and the label is shown large."""

LONGEST_FRAMES = 5 * FRAME_RATE_HZ
"""Of a moving sample; it is watched over and over while a style is tried."""

_ENCODER = EncoderSettings(preset="ultrafast", crf=23)
_UNITS_A_SECOND = 13.0
_SAMPLES_AT_ONCE = 2
_FOOTAGE_KEPT = 32
_JPEG_QUALITY = 88

_Looked = tuple[StoredFile, lipsync_pb2.FootageReport, list[str]]


class Sampler:
    """Draws samples, a few at a time. What was found in footage is remembered, as styles are tried on one presenter."""

    def __init__(self, store: MediaStore, servers: Servers, policy: RetryPolicy, backdrop: Rgb) -> None:
        self._store, self._servers, self._policy, self._backdrop = store, servers, policy, backdrop
        self._places = asyncio.Semaphore(_SAMPLES_AT_ONCE)
        self._looked: OrderedDict[tuple[str, int, int, str], _Looked] = OrderedDict()

    async def look(self, spec: jobs_pb2.JobSpec) -> tuple[lipsync_pb2.FootageReport, list[str]]:
        """What was found in the footage of `spec`, and notes on it. Raises InvalidInputError for what shows no face."""
        async with self._places:
            _, found, notes = await self._look_at(spec)
        return found, notes

    async def draw(self, spec: jobs_pb2.JobSpec) -> bytes:
        """A JPEG of the film that `spec`, as completed by `complete_spec`, would become.

        Raises InvalidInputError for a script or footage that no film can be made of.
        """
        async with self._places:
            footage, found, _ = await self._look_at(spec)
            request = await self._request(spec, _plan(spec, footage, found))
            request.first_film_frame, request.frames = SAMPLE_FRAME, 1
            overlays = await self._overlays(request)
            return await asyncio.to_thread(self._composed, footage, overlays)

    async def draw_moving(self, spec: jobs_pb2.JobSpec) -> bytes:
        """An MP4 of the first sentence without sound, its words lit in turn. Raises as `draw` does."""
        async with self._places:
            footage, found, _ = await self._look_at(spec)
            request = await self._request(spec, _plan(spec, footage, found))
            request.frames = min(request.frames, LONGEST_FRAMES)
            overlays = await self._overlays(request)
            return await asyncio.to_thread(self._moving, footage, overlays, request.frames)

    async def _look_at(self, spec: jobs_pb2.JobSpec) -> _Looked:
        key = spec.footage.sha256, spec.width, spec.height, spec.focus
        if key not in self._looked or not await asyncio.to_thread(self._is_there, self._looked[key][0]):
            self._looked[key] = await look_at_footage(
                spec, self._store, self._servers, lambda _share: None, self._policy, self._backdrop
            )
            if len(self._looked) > _FOOTAGE_KEPT:
                self._looked.popitem(last=False)
        self._looked.move_to_end(key)
        return self._looked[key]

    def _is_there(self, footage: StoredFile) -> bool:
        """It may have been removed, if nothing was drawn on it for long."""
        with suppress(NotFoundError):
            self._store.path(footage.sha256)
            return True
        return False

    async def _request(self, spec: jobs_pb2.JobSpec, plan: FilmPlan) -> overlay_pb2.RenderRequest:
        """What is drawn over the first sentence while it is spoken."""
        text = plan.sentences[0].text
        frames = max(2 * SAMPLE_FRAME, round(spoken_units(text) / _UNITS_A_SECOND * FRAME_RATE_HZ))
        drawn = await asyncio.to_thread(OverlayText, spec, plan, self._store)  # it breaks the title into lines
        return await drawn.requested(0, [], 1, SegmentPlace(0, frames))

    async def _overlays(self, request: overlay_pb2.RenderRequest) -> list[OverlayImage]:
        pictures = OverlayPictures(self._servers.overlay, request, self._policy)
        try:
            return await pictures.until(request.first_film_frame + request.frames)
        finally:
            pictures.close()

    def _composed(self, footage: StoredFile, overlays: Sequence[OverlayImage]) -> bytes:
        with FootageReader(self._store.path(footage.sha256)) as reader:
            canvas = Canvas(reader)
            for overlay in overlays:
                canvas.add_overlay(overlay)
            rgb = canvas.compose(SAMPLE_FRAME, None).to_ndarray(format="rgb24")
        jpeg = io.BytesIO()
        Image.fromarray(rgb).save(jpeg, "JPEG", quality=_JPEG_QUALITY)
        return jpeg.getvalue()

    def _moving(self, footage: StoredFile, overlays: Sequence[OverlayImage], frames: int) -> bytes:
        with self._store.temporary(".mp4") as target:
            with SegmentComposer(self._store.path(footage.sha256), target, 0, _ENCODER) as composer:
                for overlay in overlays:
                    composer.add_overlay(overlay)
                for _ in range(frames):
                    composer.add_frame(None)
                composer.finish()
            return target.read_bytes()


def _plan(spec: jobs_pb2.JobSpec, footage: StoredFile, found: lipsync_pb2.FootageReport) -> FilmPlan:
    return FilmPlan(
        sentences=tuple(split_script(spec.script)[:1]),
        footage=footage,
        footage_frames=found.frames,
        frames_without_face=found.frames_without_face,
        mouth=box_of(found.mouth),
        face=box_of(found.face),
        problems=(),
        engines={},
    )
