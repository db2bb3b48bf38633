"""The faces of footage as the UNet is shown them: encoded once, kept on disk in blocks of sixteen frames."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import torch
from numpy import float64
from numpy.typing import NDArray
from torch import Tensor

from services.lipsync.array_files import Arrays
from services.lipsync.engine import Footage
from services.lipsync.footage import CropReader
from services.lipsync.latentsync.face.crop import shifted
from services.lipsync.latentsync.face.mask import latent_mask
from services.lipsync.latentsync.face.preparation import PreparedFootage
from services.lipsync.latentsync.face.warp import crop_box, to_square
from services.lipsync.latentsync.model import Model
from services.lipsync.latentsync.networks.cache import FootageCache

BLOCK_FRAMES = 16
_BLOCKS_IN_MEMORY = 4


class FaceLatents:
    """Latents of every footage frame's face, with and without its mouth.

    Blocks are encoded whole and alike wherever the film enters them, so the same frame has the same latents in every
    segment and on every replica.
    """

    def __init__(
        self, model: Model, footage: Footage, prepared: PreparedFootage, provider: str, cache: FootageCache
    ) -> None:
        self._model, self._footage, self._prepared, self._cache = model, footage, prepared, cache
        self._matrices = prepared.matrices(model.resolution)
        self._name = f"latents-{model.checkpoint.fingerprint}-{provider}-{str(model.dtype).removeprefix('torch.')}"
        self._blocks: OrderedDict[int, Tensor] = OrderedDict()

    def known(self, frames: list[int]) -> Tensor:
        """What the UNet knows of the given footage frames: (1, 9, frames, height, width), float32.

        Mask, masked face, whole face. A frame without a face is shown the nearest one of the list that has one, since
        motion modules look at all frames; at least one must have a face.
        """
        latents = torch.stack([self._of(frame) for frame in self._with_face(frames)], dim=1)
        mask = latent_mask(self._model.keep).cpu().expand(1, len(frames), -1, -1)
        return torch.cat((mask, latents))[None]

    def _with_face(self, frames: list[int]) -> list[int]:
        places = np.flatnonzero(self._prepared.has_face[frames])
        return [frames[places[np.abs(places - place).argmin()]] for place in range(len(frames))]

    def _of(self, frame: int) -> Tensor:
        block, place = divmod(frame, BLOCK_FRAMES)
        if block not in self._blocks:
            kept = self._cache.arrays(self._file(block), lambda: self._encoded(block))["latents"]
            self._blocks[block] = torch.from_numpy(kept)
            if len(self._blocks) > _BLOCKS_IN_MEMORY:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(block)
        return self._blocks[block][place]

    def _file(self, block: int) -> str:
        return f"{self._name}/{block:06d}"

    def _encoded(self, block: int) -> Arrays:
        first = block * BLOCK_FRAMES
        frames = range(first, min(first + BLOCK_FRAMES, self._prepared.frames))
        faces = torch.stack(self._squares(frames))
        masked = faces * self._model.keep
        latents = self._model.vae.encode(torch.cat((masked, faces)))
        return {"latents": torch.cat(latents.chunk(2), dim=1).cpu().numpy()}

    def _squares(self, frames: range) -> list[Tensor]:
        """Faces (3, resolution, resolution); grey where there is none."""
        model, prepared = self._model, self._prepared
        boxes = [
            crop_box(self._matrices[frame], model.resolution, prepared.width, prepared.height)
            if frame in frames and prepared.has_face[frame]
            else None
            for frame in range(prepared.frames)
        ]
        with CropReader(self._footage.path, prepared.index, boxes) as reader:
            return [
                torch.zeros(3, model.resolution, model.resolution, device=model.device)
                if (box := boxes[frame]) is None
                else to_square(reader.rgb(frame), self._matrix(frame, box.x, box.y), model.resolution, model.device)
                for frame in frames
            ]

    def _matrix(self, frame: int, x: int, y: int) -> NDArray[float64]:
        return shifted(self._matrices[frame], x, y)
