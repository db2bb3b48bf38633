"""The canary of lip-sync: two frames of the drawn presenter; both must come back, one of them with a picture."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from services.enginekit.canary import Canary
from services.lipsync.engine import Footage, LipsyncSpec, Patch
from services.media.timeline import samples_per_frame

_PRESENTER = Path(__file__).parents[2] / "assets" / "demo" / "presenter.mp4"
_FRAMES, _SAMPLE_RATE_HZ, _TONE_HZ = 2, 16_000, 150.0
_FIRST_FILM_FRAME = 25


@cache
def _footage() -> Footage:
    return Footage(_PRESENTER, hashlib.sha256(_PRESENTER.read_bytes()).hexdigest())


def _request(_attributes: Mapping[str, Any], _attempt: int) -> LipsyncSpec:
    return LipsyncSpec(_footage(), _FIRST_FILM_FRAME, _SAMPLE_RATE_HZ)


def _sound() -> list[object]:
    seconds = np.arange(_FRAMES * samples_per_frame(_SAMPLE_RATE_HZ)) / _SAMPLE_RATE_HZ
    return [(8000 * np.sin(2 * np.pi * _TONE_HZ * seconds)).astype(np.int16)]


def _wrong(events: Sequence[object]) -> str:
    patches = [event for event in events if isinstance(event, Patch)]
    frames = [patch.film_frame for patch in patches]
    if frames != list(range(_FIRST_FILM_FRAME, _FIRST_FILM_FRAME + _FRAMES)):
        return f"Of frames {_FIRST_FILM_FRAME} to {_FIRST_FILM_FRAME + _FRAMES - 1} came {frames}."
    seen = any(patch.pixels is not None and patch.pixels.any() for patch in patches)
    return "" if seen else "The mouth of a face that can be seen came back black, or not at all."


CANARY = Canary("lipsync", _request, _wrong, _sound)
