"""How a block comes and goes: pure functions of the frame, so that every renderer moves alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from PIL import Image

from services.overlay.plain.painting import Painted

STYLE_FRAME_RATE_HZ = 25
"""Styles count frames at this rate."""

_SMALLEST, _OVERSHOOT, _RISE_EM = 0.8, 1.70158, 0.5


@dataclass(frozen=True)
class Pose:
    """Opacity 0 to 1, size relative to full size, and pixels below the resting place."""

    opacity: float = 1.0
    scale: float = 1.0
    below_px: float = 0.0


RESTING = Pose()


def animated_frames(animation: dict[str, Any], frame_rate_hz: int, most: int) -> int:
    """Film frames that an `in` or `out` lasts, `most` at most."""
    if animation["kind"] == "none":
        return 0
    lasts: int = round(animation["frames"] * frame_rate_hz / STYLE_FRAME_RATE_HZ)
    return min(most, lasts)


def pose(kind: str, done: float, font_px: float) -> Pose:
    """Pose when a share `done` (0 to 1) of an entrance is over; an exit is an entrance backwards.

    fade: cubic ease-out of the opacity. slide: the same, rising by half an em. pop: from 80 % with the back ease-out
    of R. Penner (overshoot 1.70158), opaque after the first half.
    """
    eased = 1 - (1 - done) ** 3
    if kind == "fade":
        return Pose(opacity=eased)
    if kind == "slide":
        return Pose(opacity=eased, below_px=(1 - eased) * _RISE_EM * font_px)
    if kind == "pop":
        back = 1 + (_OVERSHOOT + 1) * (done - 1) ** 3 + _OVERSHOOT * (done - 1) ** 2
        return Pose(opacity=min(1.0, 2 * done), scale=_SMALLEST + (1 - _SMALLEST) * back)
    return RESTING


def posed(painted: Painted, pose_: Pose, canvas: tuple[int, int]) -> Painted:
    """`painted` in a pose; scaled about its middle, kept on the canvas."""
    if pose_ == RESTING:
        return painted
    picture, x, y = painted.picture, painted.x, painted.y + round(pose_.below_px)
    if pose_.scale != 1.0:
        size = tuple(max(1, round(side * pose_.scale)) for side in picture.size)
        x, y = x + (picture.width - size[0]) // 2, y + (picture.height - size[1]) // 2
        # Premultiplied while it is scaled, else the colour of empty pixels bleeds into the edges.
        picture = picture.convert("RGBa").resize((size[0], size[1]), Image.Resampling.BICUBIC).convert("RGBA")
    if pose_.opacity < 1.0:
        picture = picture.copy()
        picture.putalpha(picture.getchannel("A").point([round(value * pose_.opacity) for value in range(256)]))
    left, top = max(0, -x), max(0, -y)
    right, bottom = min(picture.width, canvas[0] - x), min(picture.height, canvas[1] - y)
    return Painted(picture.crop((left, top, max(right, left + 1), max(bottom, top + 1))), x + left, y + top)
