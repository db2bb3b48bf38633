"""Draws docs/styles.png, every caption and title style over the presenter: `python -m assets.tools.contact_sheet`."""

from __future__ import annotations

import sys
from pathlib import Path

import av
from PIL import Image, ImageDraw

from orchestrator.captions.breaking import break_title
from orchestrator.captions.cues import Cue, make_cues
from orchestrator.captions.layout import CaptionLayout
from services.enginekit.progress import Progress
from services.enginekit.settings import EngineSettings
from services.overlay import engine
from services.overlay.plain.engine import PlainEngine
from services.typography.fonts import find_font
from services.typography.styles import StyleKind, list_styles, load_style

ROOT = Path(__file__).resolve().parents[2]
WIDTH, HEIGHT, FRAME = 1080, 1920, 36
SENTENCE, TITLE = "用 Vigent 做会说话的短视频", "会说话的短视频\n三步做好"
CROPS: dict[StyleKind, tuple[int, int, int, int]] = {
    "subtitle": (90, 1130, 990, 1500),
    "title": (60, 262, 1020, 657),
}
TILE = (450, 185)
COLUMNS, GAP, CAPTION_HEIGHT = 3, 12, 30
MAX_BYTES = 600_000


def contact_sheet() -> Image.Image:
    """RGB: a tile for each style, with its name below."""
    presenter = _presenter()
    tiles = [
        (f"{kind} · {style}", _drawn(kind, style, presenter).crop(CROPS[kind]).resize(TILE, Image.Resampling.LANCZOS))
        for kind in CROPS
        for style in list_styles(kind)
    ]
    # Fewer shades halve the file; a palette would lose the small bright areas that styles are made of.
    return _sheet(tiles).point(lambda shade: min(255, (shade + 4) // 8 * 8))


def main() -> None:
    """Writes the sheet."""
    target = ROOT / "docs" / "styles.png"
    contact_sheet().save(target, optimize=True)
    size = target.stat().st_size
    print(f"{target.relative_to(ROOT)}: {size:,} bytes")
    if size > MAX_BYTES:
        sys.exit(f"The sheet is larger than {MAX_BYTES:,} bytes.")


def _presenter() -> Image.Image:
    with av.open(str(ROOT / "assets" / "demo" / "presenter.mp4")) as container:
        picture: Image.Image = next(container.decode(video=0)).to_image()
    return picture.resize((WIDTH, HEIGHT))


def _drawn(kind: StyleKind, style_id: str, presenter: Image.Image) -> Image.Image:
    layout = CaptionLayout.of(load_style(kind, style_id), WIDTH, HEIGHT)
    spec = engine.OverlaySpec(WIDTH, HEIGHT, 25, 0, 100, (), layout.style)
    if kind == "subtitle":
        cues = make_cues(SENTENCE, (), 0, 75, 24_000, layout)
        spec = engine.OverlaySpec(WIDTH, HEIGHT, 25, 0, 100, tuple(map(_engine_cue, cues)), layout.style)
    else:
        title = engine.Title(break_title(TITLE, layout), 0, 100, layout.style)
        spec = engine.OverlaySpec(WIDTH, HEIGHT, 25, 0, 100, title=title)
    film = presenter.convert("RGBA")
    for picture in PlainEngine(EngineSettings()).render(spec, Progress()):
        if picture.first_film_frame <= FRAME < picture.first_film_frame + picture.frames:
            film.alpha_composite(Image.fromarray(picture.pixels), (picture.x, picture.y))
    return film.convert("RGB")


def _engine_cue(cue: Cue) -> engine.Cue:
    lines = tuple(engine.CueLine(line.text, line.words) for line in cue.lines)
    return engine.Cue(cue.first_film_frame, cue.frames, lines)


def _sheet(tiles: list[tuple[str, Image.Image]]) -> Image.Image:
    rows = -(-len(tiles) // COLUMNS)
    step_x, step_y = TILE[0] + GAP, TILE[1] + CAPTION_HEIGHT + GAP
    sheet = Image.new("RGB", (COLUMNS * step_x + GAP, rows * step_y + GAP), "#F4F4F6")
    draw, font = ImageDraw.Draw(sheet), find_font("noto-sans-sc", 500).at(18)
    for index, (name, tile) in enumerate(tiles):
        x, y = GAP + index % COLUMNS * step_x, GAP + index // COLUMNS * step_y
        sheet.paste(tile, (x, y))
        draw.text((x, y + TILE[1] + 4), name, "#333333", font)
    return sheet


if __name__ == "__main__":
    main()
