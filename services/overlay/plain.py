"""The overlay renderer that needs no browser: Pillow draws titles, captions and labels from the style files."""

from __future__ import annotations

import copy
import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from services.overlay.animation import RESTING, animated_frames, pose, posed
from services.overlay.engine import Corner, Cue, CueWord, Label, OverlayPicture, OverlaySpec, Title
from services.overlay.painting import BlockPainter, Painted
from services.runtime.progress import Progress
from services.runtime.settings import EngineSettings
from services.runtime.styles import load_style, safe_area

_HAN_FACE_EM = 0.92
"""Height of a Han character of Noto Sans SC in em; the law counts the height of the text, not of the em."""


@dataclass(frozen=True)
class _Still:
    """A block looks the same on film frames [first, end) but for its entrance and exit."""

    first: int
    end: int
    paint: Callable[[], Painted]


class PlainEngine:
    """Draws only pictures that differ: one a highlighted word, one a frame while a block comes or goes."""

    name = "plain"

    def __init__(self, settings: EngineSettings) -> None:
        del settings
        self._label_style = load_style("label")

    def render(self, spec: OverlaySpec, progress: Progress) -> Iterator[OverlayPicture]:
        """Yields pictures in order of first_film_frame, captions over titles over labels.

        Raises InvalidInputError naming the glyph or the style key at fault.
        """
        blocks = len(spec.cues) + len(spec.labels) + (spec.title is not None)
        progress.phase("draw", blocks)
        streams = [self._label(spec, index, label, progress) for index, label in enumerate(spec.labels)]
        if spec.title:
            streams.append(self._title(spec, spec.title, progress))
        streams.append(self._captions(spec, progress))
        yield from heapq.merge(*streams, key=lambda picture: picture.first_film_frame)

    def _label(self, spec: OverlaySpec, index: int, label: Label, progress: Progress) -> Iterator[OverlayPicture]:
        style = _label_style(self._label_style, label, spec)
        painter = BlockPainter([label.text], style, spec.width, spec.height, f"labels[{index}].text")
        span = (label.first_film_frame, label.first_film_frame + label.frames)
        yield from _pictures(spec, style, painter, span, [_Still(*span, painter.paint)])
        progress.advance()

    def _title(self, spec: OverlaySpec, title: Title, progress: Progress) -> Iterator[OverlayPicture]:
        painter = BlockPainter(title.lines, title.style, spec.width, spec.height, "title.lines")
        span = (title.first_film_frame, title.first_film_frame + title.frames)
        yield from _pictures(spec, title.style, painter, span, [_Still(*span, painter.paint)])
        progress.advance()

    def _captions(self, spec: OverlaySpec, progress: Progress) -> Iterator[OverlayPicture]:
        for index, cue in enumerate(spec.cues):
            lines = [line.text for line in cue.lines]
            painter = BlockPainter(lines, spec.caption_style, spec.width, spec.height, f"cues[{index}].lines")
            span = (cue.first_film_frame, cue.first_film_frame + cue.frames)
            stills = _stills(cue, painter, spec.caption_style["highlight"]["mode"])
            yield from _pictures(spec, spec.caption_style, painter, span, stills)
            progress.advance()


def _label_style(style: dict[str, Any], label: Label, spec: OverlaySpec) -> dict[str, Any]:
    """The label style at the label's height, in its corner of the safe area."""
    vertical, alignment = label.corner.value.split("_")
    left, top, right, bottom = safe_area("safe", spec.width, spec.height)
    placed = copy.deepcopy(style)
    placed["size"] = label.height_share / _HAN_FACE_EM
    placed["alignment"] = alignment
    placed["position"] = {
        "area": "safe",
        "vertical": vertical,
        "bounds": [left / spec.width, top / spec.height, right / spec.width, bottom / spec.height],
    }
    return placed


def _stills(cue: Cue, painter: BlockPainter, mode: str) -> list[_Still]:
    """One still for each word that starts to be spoken; the last one spoken keeps the light until the next starts."""
    words = [(index, word) for index, line in enumerate(cue.lines) for word in line.words]
    end = cue.first_film_frame + cue.frames
    if mode == "none" or not words:
        return [_Still(cue.first_film_frame, end, painter.paint)]
    stills = []
    starts = [cue.first_film_frame, *(word.first_film_frame for _, word in words)]
    for count, (first, last) in enumerate(zip(starts, [*starts[1:], end], strict=True)):
        if first < last:
            stills.append(_Still(first, last, _painting(painter, words[:count], mode)))
    return stills


def _painting(painter: BlockPainter, spoken: list[tuple[int, CueWord]], mode: str) -> Callable[[], Painted]:
    lit = spoken if mode == "karaoke" else spoken[-1:]
    pill = spoken[-1] if mode == "pill" and spoken else None
    return lambda: painter.paint(lit, pill)


def _pictures(
    spec: OverlaySpec, style: dict[str, Any], painter: BlockPainter, span: tuple[int, int], stills: list[_Still]
) -> Iterator[OverlayPicture]:
    """Pictures of a block that lies over film frames `span`, as far as they are in the stretch of `spec`."""
    first, end = span
    half = (end - first) // 2
    entered = first + animated_frames(style["in"], spec.frame_rate_hz, half)
    leaving = end - animated_frames(style["out"], spec.frame_rate_hz, half)
    canvas, font_px = (spec.width, spec.height), painter.block.font_px
    for still in stills:
        start, stop = max(still.first, spec.first_film_frame), min(still.end, spec.first_film_frame + spec.frames)
        if start >= stop:
            continue
        painted = still.paint()
        frame = start
        while frame < stop:
            if frame < entered:
                pose_, until = (
                    pose(style["in"]["kind"], (frame - first + 1) / (entered - first + 1), font_px),
                    frame + 1,
                )
            elif frame >= leaving:
                pose_, until = pose(style["out"]["kind"], (end - frame) / (end - leaving + 1), font_px), frame + 1
            else:
                pose_, until = RESTING, min(stop, leaving)
            shown = posed(painted, pose_, canvas)
            yield OverlayPicture(frame, until - frame, shown.x, shown.y, shown.pixels())
            frame = until


__all__ = ["Corner", "PlainEngine"]
