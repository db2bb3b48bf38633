"""The engine that needs no checkpoint: the footage's mouth is moved by what the voice says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from numpy import int16
from numpy.typing import NDArray

from services.enginekit.capabilities import Capabilities
from services.enginekit.progress import Progress
from services.enginekit.settings import EngineSettings
from services.lipsync.engine import Footage, FootageReport, LipsyncSpec, Patch
from services.lipsync.footage import CropReader
from services.lipsync.warp.interior import paint
from services.lipsync.warp.mouth import open_mouth
from services.lipsync.warp.mouth_track import MouthTrack, load_track
from services.lipsync.warp.shape import MouthShape
from services.lipsync.warp.shapes import mouth_shapes
from services.media.timeline import footage_frame


class WarpEngine:
    """Moves the mouth by moving pixels; the same input gives the same result, whatever the quality and seed."""

    capabilities = Capabilities(streams=True)

    def __init__(self, settings: EngineSettings) -> None:
        self._cache_root = settings.cache_root

    def prepare(self, footage: Footage, progress: Progress) -> Iterator[FootageReport]:
        """Looks at every frame and yields one report. Units are frames.

        Raises InvalidInputError (NO_FACE, UNREADABLE_FOOTAGE, FACE_TOO_LARGE), field "spec.footage".
        """
        yield load_track(footage, self._cache_root, progress).report()

    def lipsync(self, spec: LipsyncSpec, audio: Iterable[NDArray[int16]], progress: Progress) -> Iterator[Patch]:
        """Yields one Patch a film frame, in order, about three frames behind the audio. Units are frames.

        Raises what `prepare` raises, and ValueError when a frame is not a whole number of samples.
        """
        track = load_track(spec.footage, self._cache_root, progress)
        progress.phase("lipsync")
        with CropReader(spec.footage.path, track.index, track.boxes) as crops:
            for film_frame, shape in enumerate(mouth_shapes(audio, spec.sample_rate_hz), spec.first_film_frame):
                yield _patch(film_frame, shape, track, crops)
                progress.advance()


def _patch(film_frame: int, shape: MouthShape, track: MouthTrack, crops: CropReader) -> Patch:
    frame = footage_frame(film_frame, track.frames)
    mouth, box = track.mouths[frame], track.boxes[frame]
    if mouth is None or box is None:
        return Patch(film_frame)
    pixels, shape = crops.rgb(frame), shape.scaled(float(track.amounts[frame]))
    if shape.at_rest:
        return Patch(film_frame, box.x, box.y, pixels)
    moved = open_mouth(pixels, box, mouth, shape)
    paint(moved, pixels, box, mouth, shape)
    return Patch(film_frame, box.x, box.y, moved)
