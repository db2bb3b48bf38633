"""LatentSync behind the lip-sync contract."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from numpy import int16
from numpy.typing import NDArray

from services.base.errors import ExhaustedError
from services.enginekit.capabilities import Capabilities
from services.enginekit.checkpoints import MANIFEST, refused
from services.enginekit.device import is_out_of_memory, no_device
from services.enginekit.progress import Progress
from services.enginekit.settings import EngineSettings
from services.lipsync.engine import Footage, FootageReport, LipsyncSpec, Patch
from services.lipsync.footage import CropReader
from services.lipsync.latentsync.checkpoint import Checkpoint, find_checkpoint
from services.lipsync.latentsync.face.landmarks import LandmarkProvider, has_insightface, landmark_provider
from services.lipsync.latentsync.face.latents import FaceLatents
from services.lipsync.latentsync.face.preparation import PreparedFootage, prepare
from services.lipsync.latentsync.face.quality import MODES, Mode
from services.lipsync.latentsync.model import Model, load_model
from services.lipsync.latentsync.networks.acceleration import compiling
from services.lipsync.latentsync.networks.cache import FootageCache
from services.lipsync.latentsync.options import Options
from services.lipsync.latentsync.segment import Placement, Segment

_FOOTAGE_IN_MEMORY = 4


class LatentSyncEngine:
    """See LipsyncEngine.

    The checkpoint folder holds one checkpoint, or a subfolder for each of several; a quality mode uses the one whose
    resolution is nearest to its own. The constructor reads the manifests, so that a wrong setting shows at once;
    `warm_up` verifies and loads. Raises FailedPreconditionError (CHECKPOINT_..., DEVICE_MISSING) and InvalidInputError
    (options).
    """

    capabilities = Capabilities(uses_gpu=True, streams=True, needs_checkpoint=True)

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._options = Options.of(settings.options)
        self._device = _device(settings.device)
        self._options.check_device(self._device)
        self._checkpoints = _checkpoints(settings.checkpoint, self._options.resolution)
        self._models: dict[int, Model] = {}
        self._placements: OrderedDict[tuple[str, int], tuple[PreparedFootage, Placement]] = OrderedDict()
        self._lock = threading.Lock()
        self._find = threading.local()

    def warm_up(self, progress: Progress) -> None:
        """Verifies and loads every checkpoint, counting its stages; on CUDA runs each network once.

        Raises FailedPreconditionError (CHECKPOINT_..., LANDMARKS_UNAVAILABLE, NOT_COMPILED).
        """
        with self._lock, self._out_of_memory():
            if not self._models:
                self._new_provider()
            for checkpoint in self._checkpoints:
                if checkpoint.resolution not in self._models:
                    self._models[checkpoint.resolution] = self._load(checkpoint, progress)

    def prepare(self, footage: Footage, progress: Progress) -> Iterator[FootageReport]:
        """See LipsyncEngine. Raises InvalidInputError (FACE_TOO_LARGE), too."""
        self.warm_up(progress)
        prepared = self._prepared(footage, progress)
        for model in self._models.values():
            Placement.of(prepared, model)
        yield prepared.report()

    def lipsync(self, spec: LipsyncSpec, audio: Iterable[NDArray[int16]], progress: Progress) -> Iterator[Patch]:
        """See LipsyncEngine. Raises ExhaustedError (OUT_OF_MEMORY) when the device is full; the engine stays usable."""
        self.warm_up(progress)
        mode = MODES[spec.quality]
        model = self._model_for(mode)
        with self._out_of_memory():
            prepared, placement = self._placed(spec.footage, model, progress)
            latents = FaceLatents(model, spec.footage, prepared, self._provider.name, self._cache(spec.footage))
            segment = Segment(spec, model, mode, self._options, placement, latents, progress)
            with CropReader(spec.footage.path, prepared.index, placement.boxes) as reader:
                yield from segment.patches(audio, reader)

    @property
    def _provider(self) -> LandmarkProvider:
        """One per thread, because detectors keep state."""
        if not hasattr(self._find, "provider"):
            self._find.provider = self._new_provider()
        provider: LandmarkProvider = self._find.provider
        return provider

    def _new_provider(self) -> LandmarkProvider:
        """InsightFace when any of the checkpoints has its files."""
        folders = [checkpoint.folder for checkpoint in self._checkpoints]
        return landmark_provider(next(filter(has_insightface, folders), folders[0]), self._device)

    def _load(self, checkpoint: Checkpoint, progress: Progress) -> Model:
        dtype, cache_root = self._options.torch_dtype(self._device), self._settings.cache_root
        model = load_model(checkpoint, self._device, dtype, self._options.acceleration, cache_root, progress)
        if self._device.type == "cuda" or self._options.acceleration != "off":
            halves = 2 if self._options.guidance_scale > 1 else 1
            with compiling():
                for chunks in {1, self._options.chunks_at_once}:
                    model.warm_up(halves * chunks, progress)
        return model

    def _model_for(self, mode: Mode) -> Model:
        return self._models[min(self._models, key=lambda resolution: abs(resolution - mode.resolution))]

    def _prepared(self, footage: Footage, progress: Progress) -> PreparedFootage:
        cache = self._cache(footage)
        cache.make_room(self._options.cache_limit_mb * 10**6)
        return prepare(footage, self._provider, cache, progress)

    def _placed(self, footage: Footage, model: Model, progress: Progress) -> tuple[PreparedFootage, Placement]:
        key = footage.sha256, model.resolution
        if (known := self._known(key)) is not None:
            self._cache(footage).touch()
            return known
        prepared = self._prepared(footage, progress)
        placed = prepared, Placement.of(prepared, model)
        with self._lock:
            self._placements[key] = placed
            while len(self._placements) > _FOOTAGE_IN_MEMORY:
                self._placements.popitem(last=False)
        return placed

    def _known(self, key: tuple[str, int]) -> tuple[PreparedFootage, Placement] | None:
        with self._lock:
            if key in self._placements:
                self._placements.move_to_end(key)
            return self._placements.get(key)

    def _cache(self, footage: Footage) -> FootageCache:
        return FootageCache(self._settings.cache_root, footage.sha256)

    @contextmanager
    def _out_of_memory(self) -> Iterator[None]:
        try:
            yield
        except torch.OutOfMemoryError as error:
            if self._device.type == "cuda":
                torch.cuda.empty_cache()
            raise ExhaustedError(
                f"{self._device} has run out of memory.",
                "Try again; if it happens again, lower options.chunks_at_once or the quality, or use a larger device.",
                reason="OUT_OF_MEMORY",
                retry_after_s=5.0,
            ) from error


def _device(name: str) -> torch.device:
    try:
        return torch.empty(1, device=name).device
    except (RuntimeError, AssertionError) as error:
        if is_out_of_memory(error):
            raise
        raise no_device(name) from error


def _checkpoints(folder: Path | None, resolution: int | None) -> list[Checkpoint]:
    if folder is None:
        remedy = "Pull one with `vigent models pull` and set VIGENT_LIPSYNC_CHECKPOINT to its folder."
        raise refused("CHECKPOINT_MISSING", "LatentSync needs a checkpoint and none is set.", remedy)
    several = sorted(path.parent for path in folder.glob(f"*/{MANIFEST}"))
    folders = [folder] if (folder / MANIFEST).exists() or not several else several
    return [find_checkpoint(path, resolution) for path in folders]
