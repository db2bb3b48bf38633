"""Any footage becomes the film's size and rate: a picture one frame, a clip constant 25 fps with short closed GOPs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ConformedFootage:
    """Footage as the film needs it. `path` is the source itself when it was already right (`changed` is False)."""

    path: Path
    width: int
    height: int
    frames: int
    changed: bool


@dataclass(frozen=True)
class FootageLimits:
    """The most footage that is taken."""

    duration_s: float = 600.0
    pixels: int = 8192 * 4320


Progress = Callable[[int, int], None]
"""Gets frames done and frames in all (estimated)."""


def conform(
    source: Path,
    target: Path,
    width: int,
    height: int,
    progress: Progress = lambda _done, _total: None,
    *,
    focus: tuple[float, float] | None = None,
    limits: FootageLimits = FootageLimits(),
) -> ConformedFootage:
    """Writes `source` as `width` x `height` H.264 at 25 fps to `target` (MP4), cropped to cover the canvas.

    `focus` is what the crop keeps, as shares of the upright picture's width and height; None: the face if one is
    found, else the centre. Blocking; untrusted files belong into `sandbox.run_limited(conform, ...)`.
    Raises InvalidInputError (field "spec.footage").
    """
    raise NotImplementedError
