"""Draws overlays as a film would show them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from services.enginekit.progress import Progress
from services.enginekit.settings import EngineSettings
from services.overlay.engine import Cue, CueLine, OverlayPicture, OverlaySpec
from services.overlay.plain.engine import PlainEngine
from services.typography.cues import CueWord

ENGINE = PlainEngine(EngineSettings())


def rendered(spec: OverlaySpec) -> list[OverlayPicture]:
    return list(ENGINE.render(spec, Progress()))


def over(pictures: Sequence[OverlayPicture], frame: int, canvas: Image.Image) -> NDArray[np.uint8]:
    """`canvas` with everything that lies over film frame `frame`."""
    film = canvas.convert("RGBA")
    for picture in pictures:
        if picture.first_film_frame <= frame < picture.first_film_frame + picture.frames:
            film.alpha_composite(Image.fromarray(picture.pixels), (picture.x, picture.y))
    return np.asarray(film)


def spec_of(
    cues: Sequence[Cue], style: dict[str, object], frames: int = 100, width: int = 1080, height: int = 1920, **rest
) -> OverlaySpec:
    return OverlaySpec(width, height, 25, rest.pop("first_film_frame", 0), frames, tuple(cues), style, **rest)


def words_of(text: str, *words: tuple[str, int, int]) -> CueLine:
    """A line with words as (text, first frame, end frame)."""
    placed = []
    for word, first, end in words:
        start = text.index(word)
        placed.append(CueWord(start, start + len(word), first, end))
    return CueLine(text, tuple(placed))
