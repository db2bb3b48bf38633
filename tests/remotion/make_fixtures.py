"""Writes what the tests of remotion/ compare with: `python -m tests.remotion.make_fixtures`.

Numbers of the Python renderer: where lines and words stand, how blocks come and go, which frames differ.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from services.enginekit.progress import Progress
from services.enginekit.settings import EngineSettings
from services.overlay.engine import Cue, CueLine, OverlaySpec
from services.overlay.plain.animation import animated_frames, pose
from services.overlay.plain.engine import PlainEngine
from services.overlay.plain.glyphs import character_x_em
from services.overlay.plain.painting import BlockPainter
from services.overlay.remotion.resolve import setting
from services.typography.cues import CueWord
from services.typography.styles import StyleKind, list_styles, load_style
from services.typography.typeset import place_lines

FIXTURES = Path(__file__).resolve().parents[2] / "remotion" / "test" / "fixtures"
KINDS: tuple[StyleKind, ...] = ("subtitle", "title")
STYLES = [(kind, style_id) for kind in KINDS for style_id in list_styles(kind)]
CANVASES = ((1080, 1920), (1920, 1080), (640, 640))
LINES = (
    ("今天聊聊 GPT-4.5 的速度", "To AVA：涨了 3.5%"),
    ("一家人👨‍👩‍👧在🇨🇳吃饭❤️",),
    ("“引号”——破折号……，Typing we office ffi",),
    ("straße, привет",),
)


def main() -> None:
    """Writes all fixtures."""
    FIXTURES.mkdir(parents=True, exist_ok=True)
    fixtures = {
        "settings": list(_settings()),
        "layout": list(_layouts()),
        "animation": list(_poses()),
        "states": list(_states()),
    }
    for name, content in fixtures.items():
        text = "[\n" + ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in content) + "\n]\n"
        (FIXTURES / f"{name}.json").write_text(text, encoding="utf-8")


def _settings() -> Iterator[dict[str, Any]]:
    """Every style on every canvas, as the Node child gets it; the font by its name in assets/fonts."""
    for kind, style_id in STYLES:
        for width, height in CANVASES:
            resolved = setting(load_style(kind, style_id), width, height)
            place = {"kind": kind, "id": style_id, "width": width, "height": height}
            yield {**place, **resolved, "font": Path(resolved["font"]).name}


def _layouts() -> Iterator[dict[str, Any]]:
    for kind, style_id in STYLES:
        for index, (width, height) in enumerate(CANVASES):
            for lines in LINES[index : index + 2]:
                yield _layout(kind, style_id, lines, width, height)


def _layout(kind: Any, style_id: str, lines: tuple[str, ...], width: int, height: int) -> dict[str, Any]:
    style = load_style(kind, style_id)
    block = place_lines(lines, style, width, height)
    placed = [
        {
            "x": line.x,
            "baseline": line.baseline,
            "width": line.width,
            "top": line.top,
            "characters_em": [
                character_x_em(block.typeface, line.text, index, style["letter_spacing"])
                for index in range(len(line.text) + 1)
            ],
        }
        for line in block.lines
    ]
    extent = BlockPainter(lines, style, width, height, "lines")._extent()
    place = {"kind": kind, "style": style_id, "lines": lines, "width": width, "height": height}
    return place | {"font_px": block.font_px, "extent": extent, "placed": placed}


def _poses() -> Iterator[dict[str, Any]]:
    for kind in ("none", "fade", "slide", "pop"):
        for rate_hz, frames, most in _rates():
            lasts = animated_frames({"kind": kind, "frames": frames}, rate_hz, most)
            for step in range(lasts):
                done = (step + 1) / (lasts + 1)
                shown = pose(kind, done, 57.5)
                numbers = {"opacity": shown.opacity, "scale": shown.scale, "below_px": shown.below_px}
                yield {
                    "kind": kind,
                    "frames": frames,
                    "rate_hz": rate_hz,
                    "most": most,
                    "lasts": lasts,
                    "done": done,
                } | numbers


def _rates() -> Iterator[tuple[int, int, int]]:
    """Frame rate, frames of the style, most film frames."""
    yield from ((25, 4, 100), (30, 5, 100), (60, 8, 100), (24, 7, 3))


def _states() -> Iterator[dict[str, Any]]:
    engine = PlainEngine(EngineSettings())
    for style_id in list_styles("subtitle"):
        for start, frames in ((0, 120), (13, 30)):
            style = load_style("subtitle", style_id)
            words = ((4, 9), (4, 12), (20, 25), (40, 44), (300, 310))
            line = CueLine("一二三四五", tuple(CueWord(i, i + 1, *times) for i, times in enumerate(words)))
            spec = OverlaySpec(320, 568, 25, start, frames, (Cue(5, 60, (line,)),), style)
            pictures = list(engine.render(spec, Progress()))
            spans = [(picture.first_film_frame, picture.first_film_frame + picture.frames) for picture in pictures]
            yield {"style": style_id, "start": start, "frames": frames, "words": [w[0] for w in words], "spans": spans}


if __name__ == "__main__":
    main()
