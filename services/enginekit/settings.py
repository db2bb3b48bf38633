"""What an engine's constructor gets; a plain dataclass, so that a worker starts without pydantic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class EngineSettings:
    """Settings of an engine, pickled into the worker process."""

    device: str = "cpu"
    checkpoint: Path | None = None
    cache_root: Path = Path(".vigent/cache")
    options: Mapping[str, str] = field(default_factory=dict)
    media_root: Path = Path(".vigent/media")
