"""A lip-sync whose behaviour the tests choose: solid patches, their colour told by the frame number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from services.enginekit.capabilities import Capabilities
from services.enginekit.progress import Progress
from services.enginekit.settings import EngineSettings
from services.lipsync.engine import Box, Footage, FootageReport, LipsyncSpec, Patch
from services.media.timeline import FRAME_RATE_HZ, samples_per_frame
from tests.knobs.knobs import Knobs


class KnobsLipsync:
    """Knobs of `Knobs`, and x, y, width, height of the patch in pixels. A unit is a film frame."""

    capabilities = Capabilities(streams=True)

    def __init__(self, settings: EngineSettings) -> None:
        self._knobs = Knobs(settings.options)
        place = {"x": 8, "y": 8, "width": 64, "height": 32}
        self._box = Box(**{name: int(settings.options.get(name, default)) for name, default in place.items()})

    def prepare(self, footage: Footage, progress: Progress) -> Iterator[FootageReport]:
        """Reports a face where the patch is."""
        self._knobs.log("prepare")
        progress.phase("prepare", self._knobs.units, self._knobs.budget_s)
        for number in range(self._knobs.units):
            self._knobs.unit(number, progress)
        yield FootageReport(
            width=self._box.x + self._box.width,
            height=self._box.y + self._box.height,
            frame_rate_hz=float(FRAME_RATE_HZ),
            frames=self._knobs.units,
            frames_without_face=0,
            frames_with_several_faces=0,
            problems=(),
            mouth=self._box,
            face=self._box,
        )
        self._knobs.end()

    def lipsync(self, spec: LipsyncSpec, audio: Iterable[NDArray[np.int16]], progress: Progress) -> Iterator[Patch]:
        """Yields a patch as soon as its frame's samples are there; a rest of samples makes one more."""
        self._knobs.log("call")
        progress.phase("lipsync", 0, self._knobs.budget_s)
        frame_samples = samples_per_frame(spec.sample_rate_hz)
        samples = frames = 0
        for chunk in audio:
            samples += len(chunk)
            while (frames + 1) * frame_samples <= samples:
                yield self._patch(spec, frames, progress)
                frames += 1
        if frames * frame_samples < samples:
            yield self._patch(spec, frames, progress)

    def _patch(self, spec: LipsyncSpec, number: int, progress: Progress) -> Patch:
        self._knobs.unit(number, progress, spec.footage.sha256)
        film_frame = spec.first_film_frame + number
        pixels = np.full((self._box.height, self._box.width, 3), film_frame % 256, np.uint8)
        return Patch(film_frame, self._box.x, self._box.y, pixels)
