"""A sample of a film before it is made: a frame of its first sentence, drawn by the film's own code and engines.

The voice alone is missing: the words of the caption are spread over the time that they will take, and lips stay still.
"""

from __future__ import annotations

import asyncio
import io
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress

from PIL import Image

from orchestrator.film.compose import Canvas, OverlayImage
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

SAMPLE_FRAME = 30
"""Title and caption have come in, and the label is shown large."""

_UNITS_A_SECOND = 13.0
_SAMPLES_AT_ONCE = 2
_FOOTAGE_KEPT = 32
_JPEG_QUALITY = 88

_Looked = tuple[StoredFile, lipsync_pb2.FootageReport]


class Sampler:
    """Draws samples, a few at a time. What was found in footage is remembered, as styles are tried on one presenter."""

    def __init__(self, store: MediaStore, servers: Servers, policy: RetryPolicy, backdrop: Rgb) -> None:
        self._store, self._servers, self._policy, self._backdrop = store, servers, policy, backdrop
        self._places = asyncio.Semaphore(_SAMPLES_AT_ONCE)
        self._looked: OrderedDict[tuple[str, int, int], _Looked] = OrderedDict()

    async def draw(self, spec: jobs_pb2.JobSpec) -> bytes:
        """A JPEG of the film that `spec`, as completed by `complete_spec`, would become.

        Raises InvalidInputError for a script or footage that no film can be made of.
        """
        async with self._places:
            footage, found = await self._look_at(spec)
            overlays = await self._overlays(spec, _plan(spec, footage, found))
            return await asyncio.to_thread(self._composed, footage, overlays)

    async def _look_at(self, spec: jobs_pb2.JobSpec) -> _Looked:
        key = spec.footage.sha256, spec.width, spec.height
        if key not in self._looked or not await asyncio.to_thread(self._is_there, self._looked[key][0]):
            footage, found, _ = await look_at_footage(
                spec, self._store, self._servers, lambda _share: None, self._policy, self._backdrop
            )
            self._looked[key] = footage, found
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

    async def _overlays(self, spec: jobs_pb2.JobSpec, plan: FilmPlan) -> list[OverlayImage]:
        text = plan.sentences[0].text
        frames = max(2 * SAMPLE_FRAME, round(spoken_units(text) / _UNITS_A_SECOND * FRAME_RATE_HZ))
        request = OverlayText(spec, plan, self._store).render_request(0, [], 1, SegmentPlace(0, frames))
        request.first_film_frame, request.frames = SAMPLE_FRAME, 1
        pictures = OverlayPictures(self._servers.overlay, request, self._policy)
        try:
            return await pictures.until(SAMPLE_FRAME)
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
