"""One voice laid over footage: audio in, sixteen frames through the networks, patches out, in constant memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias

import torch
from numpy import float64, int16, uint8
from numpy.typing import NDArray
from torch import Tensor

from services.base.errors import InvalidInputError
from services.enginekit.progress import Progress
from services.lipsync.engine import LARGEST_PATCH_BYTES, Box, LipsyncSpec, Patch
from services.lipsync.footage import CropReader
from services.lipsync.latentsync.face.crop import shifted
from services.lipsync.latentsync.face.latents import FaceLatents
from services.lipsync.latentsync.face.preparation import PreparedFootage
from services.lipsync.latentsync.face.quality import Mode
from services.lipsync.latentsync.model import CHUNK_FRAMES, Model
from services.lipsync.latentsync.options import Options
from services.lipsync.latentsync.sampler import denoise, job_noise
from services.lipsync.latentsync.voice import Voice
from services.media.timeline import footage_frame

Pixels: TypeAlias = NDArray[uint8]
"""Pixels of a box, RGB (height, width, 3)."""

_STALL_BUDGET_S = 120.0
_STALL_BUDGET_ON_CPU_S = 900.0  # a step of the released UNet at 512 takes one core 330 s, docs/limits.md


@dataclass(frozen=True)
class Placement:
    """Where footage's mouths are for one resolution: matrices (frames, 2, 3), and what may change of each frame."""

    matrices: NDArray[float64]
    boxes: list[Box | None]

    @classmethod
    def of(cls, prepared: PreparedFootage, model: Model) -> Placement:
        """Places the mouths of all frames. Raises InvalidInputError (FACE_TOO_LARGE)."""
        matrices = prepared.matrices(model.resolution)
        boxes = [
            model.restorer.box(matrix, prepared.width, prepared.height) if has_face else None
            for matrix, has_face in zip(matrices, prepared.has_face, strict=True)
        ]
        if any(3 * box.width * box.height > LARGEST_PATCH_BYTES for box in boxes if box):
            raise InvalidInputError(
                "The face is too large: its mouth alone fills a message.",
                "Give footage of 1080 x 1920 pixels, or with the presenter farther from the camera.",
                "spec.footage",
                "FACE_TOO_LARGE",
            )
        return cls(matrices, boxes)


class Segment:
    """Makes the patches of one call.

    Every chunk has 16 frames, because another length would change the statistics of the norms: the last one runs on in
    silence over the footage that follows, and its surplus is dropped. How chunks are grouped depends on their position
    alone: the first by itself, to show something soon, then `chunks_at_once` together, and the rest one by one.

    The frames that get a group's faces are decoded on a thread of their own while the networks compute, so that a GPU
    does not wait for a video decoder.
    """

    def __init__(
        self,
        spec: LipsyncSpec,
        model: Model,
        mode: Mode,
        options: Options,
        placement: Placement,
        latents: FaceLatents,
        progress: Progress,
    ) -> None:
        self._spec, self._model, self._mode, self._options = spec, model, mode, options
        self._placement, self._latents, self._progress = placement, latents, progress
        self._budget_s = _STALL_BUDGET_ON_CPU_S if model.device.type == "cpu" else _STALL_BUDGET_S
        self._voice = Voice(spec.sample_rate_hz, options.look_ahead_frames)
        self._noise = job_noise(spec.seed, model.latent_side, model.latent_side)

    def patches(self, audio: Iterable[NDArray[int16]], reader: CropReader) -> Iterator[Patch]:
        """One patch a film frame, in order. `reader` reads the boxes of the placement."""
        decoder = ThreadPoolExecutor(1, thread_name_prefix="footage")
        try:
            for starts in self._groups(iter(audio)):
                read = [decoder.submit(self._read, start, reader) for start in starts]
                moved = [start for start in starts if self._moves(start)]
                batches = [moved] if len(moved) == self._options.chunks_at_once else [[start] for start in moved]
                latents = {start: chunk for batch in batches for start, chunk in self._denoised(batch).items()}
                for start, frames in zip(starts, read, strict=True):
                    yield from self._pasted(start, latents.get(start), frames)
        finally:
            decoder.shutdown(cancel_futures=True)

    def _moves(self, start: int) -> bool:
        """Whether any frame of the chunk has a mouth."""
        return any(self._placement.boxes[frame] for frame in self._footage(start))

    def _read(self, start: int, reader: CropReader) -> list[Pixels | None]:
        """What is in the boxes of the chunk's frames; None for a frame without one."""
        frames = self._footage(start)[: self._voice.frames - start]
        return [reader.rgb(frame) if self._placement.boxes[frame] else None for frame in frames]

    def _groups(self, audio: Iterator[NDArray[int16]]) -> Iterator[list[int]]:
        """First frames of chunks that go together, each group as soon as its voice is there."""
        first, size = 0, 1
        while self._listen(audio, first + size * CHUNK_FRAMES) > first:
            chunks = range(first, self._voice.frames, CHUNK_FRAMES)[:size]
            yield list(chunks)
            first, size = chunks[-1] + CHUNK_FRAMES, self._options.chunks_at_once

    def _listen(self, audio: Iterator[NDArray[int16]], end_frame: int) -> int:
        """Takes audio in until the chunks before `end_frame` can be heard; returns the frames that it fills."""
        while not self._voice.covers(end_frame):
            if (samples := next(audio, None)) is None:
                self._voice.end()
            else:
                self._voice.feed(samples)
        return self._voice.frames

    def _denoised(self, starts: list[int]) -> dict[int, Tensor]:
        """Latents (frames, 4, side, side) of new faces, by the chunk's first frame."""
        known, voice = self._known(starts), self._heard(starts)
        scheduler = self._mode.scheduler()
        self._progress.phase("denoise", len(scheduler.timesteps), stall_budget_s=self._budget_s)
        latents = denoise(
            self._model.denoiser,
            scheduler,
            self._noise,
            known,
            voice,
            guidance_scale=self._options.guidance_scale,
            cache_interval=self._mode.cache_interval,
            after_step=self._progress.advance,
        )
        return dict(zip(starts, latents.transpose(1, 2), strict=True))

    def _heard(self, starts: list[int]) -> Tensor:
        self._progress.phase("hear", len(starts))
        heard = []
        for start in starts:
            heard.append(self._voice.tokens(self._model.encoder, start, CHUNK_FRAMES, self._model.device))
            self._progress.advance()
        return torch.cat(heard)

    def _known(self, starts: list[int]) -> Tensor:
        self._progress.phase("encode faces", len(starts), stall_budget_s=self._budget_s)
        known = []
        for start in starts:
            known.append(self._latents.known(self._footage(start)))
            self._progress.advance()
        return torch.cat(known)

    def _pasted(self, start: int, latents: Tensor | None, read: Future[list[Pixels | None]]) -> Iterator[Patch]:
        frames = min(CHUNK_FRAMES, self._voice.frames - start)
        self._progress.phase("decode faces", frames, stall_budget_s=self._budget_s)
        faces = None if latents is None else self._model.vae.decode(latents)
        for place, (frame, old) in enumerate(zip(self._footage(start), read.result(), strict=False)):
            yield self._patch(start + place, frame, None if faces is None else faces[place], old)
            self._progress.advance()

    def _patch(self, film_frame: int, frame: int, face: Tensor | None, old: Pixels | None) -> Patch:
        number = self._spec.first_film_frame + film_frame
        box = self._placement.boxes[frame]
        if face is None or box is None or old is None:
            return Patch(number)
        matrix = shifted(self._placement.matrices[frame], box.x, box.y)
        return Patch(number, box.x, box.y, self._model.restorer.paste(old, face, matrix))

    def _footage(self, start: int) -> list[int]:
        """Footage frames of the chunk that begins `start` frames into the segment."""
        first = self._spec.first_film_frame + start
        return [footage_frame(first + place, len(self._placement.boxes)) for place in range(CHUNK_FRAMES)]
