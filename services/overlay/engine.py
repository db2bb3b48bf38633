"""What an overlay engine is. Engines know lines, styles and pixels, nothing of gRPC."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from numpy import uint8
from numpy.typing import NDArray

from services.enginekit.capabilities import Capabilities
from services.enginekit.progress import Progress
from services.typography.cues import CueWord


@dataclass(frozen=True)
class CueLine:
    """One line of a caption, already broken."""

    text: str
    words: tuple[CueWord, ...] = ()


@dataclass(frozen=True)
class Cue:
    """A caption on screen for `frames` film frames."""

    first_film_frame: int
    frames: int
    lines: tuple[CueLine, ...]


@dataclass(frozen=True)
class Title:
    """A title on screen for `frames` film frames; `style` as in assets/styles/schema.json with defaults filled."""

    lines: tuple[str, ...]
    first_film_frame: int
    frames: int
    style: dict[str, Any]


class Corner(Enum):
    """A corner of the canvas, inside the safe area."""

    TOP_LEFT = "top_left"
    TOP_RIGHT = "top_right"
    BOTTOM_LEFT = "bottom_left"
    BOTTOM_RIGHT = "bottom_right"


@dataclass(frozen=True)
class Label:
    """A label on screen; `height_share` is the text height as a share of the canvas's shorter side.

    `bounds` are the edges (left, top, right, bottom; shares of the canvas) of the area in whose corner it stands; None
    is the area that is safe on every platform.
    """

    text: str
    first_film_frame: int
    frames: int
    height_share: float
    corner: Corner
    bounds: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class OverlaySpec:
    """What to draw on film frames [first_film_frame, first_film_frame + frames) of a width x height canvas."""

    width: int
    height: int
    frame_rate_hz: int
    first_film_frame: int
    frames: int
    cues: tuple[Cue, ...] = ()
    caption_style: dict[str, Any] = field(default_factory=dict)
    title: Title | None = None
    labels: tuple[Label, ...] = ()


@dataclass(frozen=True)
class OverlayPicture:
    """A picture over `frames` film frames from `first_film_frame`: uint8 RGBA (height, width, 4) at (x, y).

    Alpha is straight, not premultiplied.
    """

    first_film_frame: int
    frames: int
    x: int
    y: int
    pixels: NDArray[uint8]


class OverlayEngine(Protocol):
    """An overlay renderer. The constructor takes the engine settings and loads fonts."""

    capabilities: Capabilities

    name: str

    def render(self, spec: OverlaySpec, progress: Progress) -> Iterator[OverlayPicture]:
        """Yields the pictures that differ, in order of first_film_frame, cropped to what is drawn.

        Raises InvalidInputError naming the style key, the font or the glyph at fault.
        """
