"""The overlay renderer that needs no browser: Pillow draws titles, captions and labels from the style files."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

from services.enginekit.capabilities import Capabilities
from services.enginekit.progress import Progress
from services.enginekit.settings import EngineSettings
from services.overlay.engine import Label, OverlayPicture, OverlaySpec, Title
from services.overlay.labels import label_style
from services.overlay.plain.animation import RESTING, Pose, animated_frames, pose, posed
from services.overlay.plain.painting import BlockPainter, Painted, PlacedWord
from services.typography.fonts import use_uploaded_fonts


@dataclass(frozen=True)
class _Block:
    """Lines on screen for `frames` film frames; `field` names them in errors."""

    lines: tuple[str, ...]
    field: str
    first: int
    frames: int
    words: tuple[PlacedWord, ...] = ()

    @property
    def end(self) -> int:
        return self.first + self.frames


@dataclass(frozen=True)
class _Motion:
    """A block comes until film frame `entered`, rests, and goes from `leaving` on."""

    style: dict[str, Any]
    font_px: float
    first: int
    entered: int
    leaving: int
    end: int

    @classmethod
    def of(cls, style: dict[str, Any], block: _Block, frame_rate_hz: int, font_px: float) -> Self:
        entered = block.first + animated_frames(style["in"], frame_rate_hz, block.frames // 2)
        leaving = block.end - animated_frames(style["out"], frame_rate_hz, block.frames // 2)
        return cls(style, font_px, block.first, entered, leaving, block.end)

    def at(self, frame: int) -> tuple[Pose, int]:
        """Pose on a film frame, and the frame until which it holds."""
        if frame < self.entered:
            done = (frame - self.first + 1) / (self.entered - self.first + 1)
            return pose(self.style["in"]["kind"], done, self.font_px), frame + 1
        if frame >= self.leaving:
            done = (self.end - frame) / (self.end - self.leaving + 1)
            return pose(self.style["out"]["kind"], done, self.font_px), frame + 1
        return RESTING, self.leaving


class PlainEngine:
    """Draws only pictures that differ: one a highlighted word, one a frame while a block comes or goes."""

    name = "plain"
    capabilities = Capabilities(streams=True)

    def __init__(self, settings: EngineSettings) -> None:
        use_uploaded_fonts(settings.media_root)

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
        style = label_style(label, spec)
        block = _Block((label.text,), f"labels[{index}].text", label.first_film_frame, label.frames)
        yield from _pictures(spec, style, block)
        progress.advance()

    def _title(self, spec: OverlaySpec, title: Title, progress: Progress) -> Iterator[OverlayPicture]:
        block = _Block(title.lines, "title.lines", title.first_film_frame, title.frames)
        yield from _pictures(spec, title.style, block)
        progress.advance()

    def _captions(self, spec: OverlaySpec, progress: Progress) -> Iterator[OverlayPicture]:
        for index, cue in enumerate(spec.cues):
            lines = tuple(line.text for line in cue.lines)
            words = tuple((place, word) for place, line in enumerate(cue.lines) for word in line.words)
            block = _Block(lines, f"cues[{index}].lines", cue.first_film_frame, cue.frames, words)
            yield from _pictures(spec, spec.caption_style, block)
            progress.advance()


def _pictures(spec: OverlaySpec, style: dict[str, Any], block: _Block) -> Iterator[OverlayPicture]:
    """Pictures of a block, as far as it lies over the stretch of `spec`."""
    start, stop = max(block.first, spec.first_film_frame), min(block.end, spec.first_film_frame + spec.frames)
    if start >= stop:
        return
    painter = BlockPainter(block.lines, style, spec.width, spec.height, block.field)
    motion = _Motion.of(style, block, spec.frame_rate_hz, painter.block.font_px)
    for first, end, spoken in _states(block, style["highlight"]["mode"]):
        frame, until = max(first, start), min(end, stop)
        painted = _painted(painter, spoken, style["highlight"]["mode"]) if frame < until else None
        while painted and frame < until:
            pose_, still_until = motion.at(frame)
            shown = posed(painted, pose_, (spec.width, spec.height))
            shown_until = min(still_until, until)
            yield OverlayPicture(frame, shown_until - frame, shown.x, shown.y, shown.pixels())
            frame = shown_until


def _states(block: _Block, mode: str) -> list[tuple[int, int, tuple[PlacedWord, ...]]]:
    """First frame, end and words begun of each state; from one state to the next, one more word has begun.

    The last word stays lit until the next one starts: going dark in every gap would flicker.
    """
    if mode == "none":
        return [(block.first, block.end, ())]
    words = sorted(block.words, key=lambda placed: placed[1].first_film_frame)
    starts = [min(max(word.first_film_frame, block.first), block.end) for _, word in words]
    edges = [block.first, *starts, block.end]
    return [(first, end, tuple(words[:count])) for count, (first, end) in enumerate(pairwise(edges))]


def _painted(painter: BlockPainter, spoken: tuple[PlacedWord, ...], mode: str) -> Painted:
    lit = spoken if mode == "karaoke" else spoken[-1:]
    return painter.paint(lit, spoken[-1] if mode == "pill" and spoken else None)
