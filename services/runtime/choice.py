"""Which engine a server loads: the one that its settings name, or the best one that this machine has.

Candidates are tried in order. Which of them a machine has is known by the folders of checkpoints alone: no engine's
class is imported for it. What is found out while loading (a package that is missing, a damaged checkpoint) passes on to
the next candidate, and is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from services.base.errors import FailedPreconditionError, InvalidInputError
from services.base.settings import ServerSettings
from services.enginekit.checkpoints import MANIFEST, Manifest, known_manifests, read_manifest
from services.enginekit.settings import EngineSettings
from services.runtime.worker.loading import NOT_INSTALLED
from services.runtime.worker.messages import Candidate, Choice

if TYPE_CHECKING:
    from services.runtime.server import ServiceSpec

AUTO = "auto"

_PASSED_OVER = (NOT_INSTALLED, "CHECKPOINT_", "DEVICE_MISSING")
"""How the reasons begin for which an engine that chose itself gives way to the next."""

_PUBLISHED = Path(__file__).resolve().parents[2] / "assets" / "models"


def choose(spec: ServiceSpec, settings: ServerSettings, *, gpu: bool | None = None) -> Choice:
    """The candidates for a service. `gpu`: whether it computes on a GPU; None: as its device says.

    Raises InvalidInputError naming the setting that gives a name which is no engine's, or a checkpoint of no engine.
    """
    own = engine_settings(settings)
    if settings.engine and settings.engine != AUTO:
        named = Candidate(settings.engine, engine_path(spec, settings.engine), own, "named in the settings")
        return Choice((named, *_stand_in(spec, settings)), (NOT_INSTALLED,))
    uses_gpu = settings.device != "cpu" if gpu is None else gpu
    best = [
        _with_checkpoint(spec, own, manifest.engine, folder)
        for manifest, folder in _checkpoints(spec, settings)
        if uses_gpu or not manifest.needs_gpu or folder == settings.checkpoint
    ]
    if best:
        return Choice((*best, _plain(spec, settings, spec.default_engine)), _PASSED_OVER)
    why = f"{AUTO}: no checkpoint of a better one is in {settings.models_root}"
    return Choice((Candidate(spec.default_engine, spec.engines[spec.default_engine], own, why),))


def engine_settings(settings: ServerSettings) -> EngineSettings:
    """The part of a server's settings that its engine gets."""
    return EngineSettings(
        settings.device, settings.checkpoint, settings.cache_root, settings.options, settings.media_root
    )


def engine_path(spec: ServiceSpec, engine: str, setting: str = "ENGINE") -> str:
    """The path, as module:Class, of a registered name; a path is returned as it is.

    Raises InvalidInputError naming the `setting` that gave the name.
    """
    if ":" in engine:
        return engine
    if engine not in spec.engines:
        remedy = f"Choose one of {', '.join(sorted(spec.engines))}, or name a class as module:Class."
        raise InvalidInputError(f"There is no engine {engine!r}.", remedy, f"VIGENT_{spec.name.upper()}_{setting}")
    return spec.engines[engine]


def _stand_in(spec: ServiceSpec, settings: ServerSettings) -> Iterator[Candidate]:
    """What the settings, or the service itself, name for an engine that is not installed."""
    name = spec.fallback_engine if settings.fallback_engine is None else settings.fallback_engine
    if name and name != settings.engine:
        yield _plain(spec, settings, name)


def _with_checkpoint(spec: ServiceSpec, own: EngineSettings, engine: str, folder: Path) -> Candidate:
    settings = replace(own, checkpoint=folder)
    return Candidate(engine, spec.engines[engine], settings, f"{AUTO}: its checkpoint is {folder}")


def _plain(spec: ServiceSpec, settings: ServerSettings, engine: str) -> Candidate:
    """The second choice: checkpoint and options were meant for the first."""
    plain = replace(engine_settings(settings), checkpoint=None, options={})
    return Candidate(engine, engine_path(spec, engine, "FALLBACK_ENGINE"), plain, "it needs no checkpoint")


def _checkpoints(spec: ServiceSpec, settings: ServerSettings) -> list[tuple[Manifest, Path]]:
    """The checkpoints that may be chosen, best first; one that the settings name is the only one."""
    known = {name: manifest for name, manifest in known_manifests(_PUBLISHED).items() if manifest.service == spec.name}
    folders = [settings.checkpoint] if settings.checkpoint else sorted(settings.models_root.glob("*/"))
    here = [(known[name], folder) for folder in folders if (name := _name_in(folder)) in known]
    if settings.checkpoint and not here:
        problem = f"{settings.checkpoint} does not say which engine of {spec.name} it is for."
        section = f"VIGENT_{spec.name.upper()}"
        raise InvalidInputError(problem, f"Name the engine in {section}_ENGINE.", f"{section}_CHECKPOINT")
    ranked = [(manifest, folder) for manifest, folder in here if settings.checkpoint or manifest.rank is not None]
    return sorted(ranked, key=lambda pair: -(pair[0].rank or 0))


def _name_in(folder: Path) -> str:
    """Name of the checkpoint that was pulled into `folder`; empty for none."""
    try:
        return read_manifest(folder / MANIFEST).name
    except FailedPreconditionError:
        return ""
