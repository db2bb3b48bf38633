"""A spec as the Node child draws it (spec.ts): defaults filled, fonts as files, places in pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from services.overlay.engine import CueLine, OverlaySpec
from services.overlay.labels import label_style
from services.typography.fonts import EMOJI_FONT, find_font, typeface
from services.typography.styles import displayed
from services.typography.typeset import bounds_px

Resolved = dict[str, Any]
"""Plain data for JSON."""


@dataclass(frozen=True)
class _Block:
    """Lines on screen in the style number `setting`; `field` names them in errors."""

    setting: int
    field: str
    first: int
    frames: int
    lines: tuple[CueLine, ...]


def resolved(spec: OverlaySpec) -> Resolved:
    """The whole of `spec`: labels, then the title, then captions, each above those before.

    Raises InvalidInputError (GLYPH_MISSING) for the field of a line that its font cannot draw, and as `find_font` does.
    """
    styles = _styles(spec)
    blocks = list(_blocks(spec))
    _require_glyphs(blocks, styles)
    return {
        "width": spec.width,
        "height": spec.height,
        "frameRateHz": spec.frame_rate_hz,
        "firstFilmFrame": spec.first_film_frame,
        "frames": spec.frames,
        "emojiFont": str(find_font(*EMOJI_FONT).path.resolve()),
        "settings": [setting(style, spec.width, spec.height) for style in styles],
        "blocks": [_resolved_block(block) for block in blocks],
    }


def setting(style: dict[str, Any], width: int, height: int) -> Resolved:
    """A style with the path of its font and the edges, in pixels, between which its blocks stand."""
    font = find_font(style["font"]["id"], style["font"]["weight"])
    return {"style": style, "font": str(font.path.resolve()), "bounds": bounds_px(style, width, height)}


def _styles(spec: OverlaySpec) -> list[dict[str, Any]]:
    styles = [label_style(label, spec) for label in spec.labels]
    if spec.title:
        styles.append(spec.title.style)
    return [*styles, spec.caption_style] if spec.cues else styles


def _blocks(spec: OverlaySpec) -> Iterator[_Block]:
    for index, label in enumerate(spec.labels):
        text = (CueLine(label.text),)
        yield _Block(index, f"labels[{index}].text", label.first_film_frame, label.frames, text)
    above = len(spec.labels)
    if title := spec.title:
        lines = tuple(map(CueLine, title.lines))
        yield _Block(above, "title.lines", title.first_film_frame, title.frames, lines)
        above += 1
    for index, cue in enumerate(spec.cues):
        yield _Block(above, f"cues[{index}].lines", cue.first_film_frame, cue.frames, cue.lines)


def _require_glyphs(blocks: list[_Block], styles: list[dict[str, Any]]) -> None:
    faces = [typeface(style["font"]["id"], style["font"]["weight"]) for style in styles]
    for block in blocks:
        for line in block.lines:
            faces[block.setting].require(displayed(line.text, styles[block.setting]), block.field)


def _resolved_block(block: _Block) -> Resolved:
    return {
        "setting": block.setting,
        "firstFilmFrame": block.first,
        "frames": block.frames,
        "lines": [{"text": line.text, "words": _words(line)} for line in block.lines],
    }


def _words(line: CueLine) -> list[Resolved]:
    return [
        {"charStart": word.char_start, "charEnd": word.char_end, "firstFilmFrame": word.first_film_frame}
        for word in line.words
    ]
