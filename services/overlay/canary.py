"""The canary of the overlay: two letters, which must be seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.enginekit.canary import Canary
from services.media.timeline import FRAME_RATE_HZ
from services.overlay.engine import Corner, Label, OverlayPicture, OverlaySpec

_WIDTH, _HEIGHT = 320, 180


def _request(_attributes: Mapping[str, Any], _attempt: int) -> OverlaySpec:
    label = Label("AI", 0, 1, 0.1, Corner.TOP_LEFT)
    return OverlaySpec(_WIDTH, _HEIGHT, FRAME_RATE_HZ, 0, 1, labels=(label,))


def _wrong(events: Sequence[object]) -> str:
    pictures = [event for event in events if isinstance(event, OverlayPicture)]
    seen = any(picture.pixels[..., 3].any() for picture in pictures)
    return "" if seen else "A label was drawn that cannot be seen."


CANARY = Canary("render", _request, _wrong)
