import itertools
import threading

import numpy as np
import pytest
from PIL import Image
from skimage import data

from services.base.errors import CancelledError, InvalidInputError
from services.enginekit.progress import Progress
from services.enginekit.settings import EngineSettings
from services.overlay.engine import Corner, Cue, CueLine, Label, OverlaySpec, Title
from services.overlay.plain.engine import PlainEngine
from services.typography.styles import list_styles, load_style, safe_area
from services.typography.typeset import place_lines
from tests.support.drawing import over, rendered, spec_of, words_of

BLACK = Image.new("RGB", (1080, 1920))
PHOTOGRAPH = Image.fromarray(data.astronaut()).crop((112, 0, 400, 512)).resize((1080, 1920))
LINE = words_of("我们用 Qwen3 说话", ("我们", 0, 10), ("用", 10, 15), ("Qwen3", 15, 30), ("说话", 30, 40))
CUE = Cue(0, 50, (LINE,))


def color_of(style: dict, key: str = "color") -> np.ndarray:
    return np.array([int(style["highlight"][key][place : place + 2], 16) for place in (1, 3, 5)])


def columns_of_color(film: np.ndarray, color: np.ndarray) -> np.ndarray:
    """Columns in which a pixel has a colour, from left to right."""
    return np.flatnonzero((np.abs(film[..., :3].astype(int) - color).max(axis=2) <= 6).any(axis=0))


def word_columns(style: dict, start: int, end: int) -> tuple[float, float]:
    """Where characters [start, end) of LINE are, measured by drawing the line up to them."""
    block = place_lines([LINE.text], style, 1080, 1920)
    left, scale = block.lines[0].x, block.font_px
    return (
        left + block.typeface.width_em(block.lines[0].text[:start]) * scale,
        left + block.typeface.width_em(block.lines[0].text[:end]) * scale,
    )


@pytest.mark.parametrize("style_id", list_styles("subtitle"))
def test_every_caption_style_is_seen_over_a_photograph_inside_its_band(style_id):
    style = load_style("subtitle", style_id)
    film = over(rendered(spec_of([CUE], style)), 25, PHOTOGRAPH)
    changed = np.abs(film[..., :3].astype(int) - np.asarray(PHOTOGRAPH)).max(axis=2) > 60
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    left, top, right, bottom = safe_area("caption", 1080, 1920)
    assert changed.sum() > 5_000
    assert top <= rows[0] < rows[-1] <= bottom
    assert left <= columns[0] < columns[-1] <= right
    assert abs((columns[0] + columns[-1]) / 2 - 540) < 12


@pytest.mark.parametrize("style_id", list_styles("title"))
def test_every_title_style_is_seen_over_a_photograph_inside_its_area(style_id):
    title = Title(("会说话的短视频", "三步做好"), 0, 75, load_style("title", style_id))
    film = over(rendered(spec_of([], {}, title=title)), 30, PHOTOGRAPH)
    changed = np.abs(film[..., :3].astype(int) - np.asarray(PHOTOGRAPH)).max(axis=2) > 60
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    left, top, right, bottom = safe_area("title", 1080, 1920)
    assert changed.sum() > 20_000
    assert top - 20 <= rows[0] < rows[-1] <= bottom + 20
    assert left - 20 <= columns[0] < columns[-1] <= right + 20


@pytest.mark.parametrize("style_id", ["spotlight", "paper", "smiley"])
@pytest.mark.parametrize(("frame", "word"), [(5, 0), (12, 1), (20, 2), (29, 2), (30, 3), (39, 3)])
def test_the_word_being_spoken_is_lit(style_id, frame, word):
    style = load_style("subtitle", style_id)
    film = over(rendered(spec_of([CUE], style)), frame, BLACK)
    lit = columns_of_color(film, color_of(style))
    left, right = word_columns(style, LINE.words[word].char_start, LINE.words[word].char_end)
    assert left - 3 <= lit[0] < lit[-1] <= right + 3
    assert lit[-1] - lit[0] > 0.6 * (right - left)


@pytest.mark.parametrize(("frame", "word"), [(5, 0), (12, 1), (20, 2), (30, 3)])
def test_karaoke_lights_all_words_up_to_the_one_being_spoken(frame, word):
    style = load_style("subtitle", "karaoke")
    lit = columns_of_color(over(rendered(spec_of([CUE], style)), frame, BLACK), color_of(style))
    left, _ = word_columns(style, 0, 1)
    _, right = word_columns(style, 0, LINE.words[word].char_end)
    assert abs(lit[0] - left) < 12
    assert right - 14 < lit[-1] <= right + 3


def test_the_pill_stands_under_the_word_being_spoken():
    style = load_style("subtitle", "pill")
    for frame, word in ((5, LINE.words[0]), (20, LINE.words[2])):
        film = over(rendered(spec_of([CUE], style)), frame, BLACK)
        pill = columns_of_color(film, color_of(style, "pill_color"))
        left, right = word_columns(style, word.char_start, word.char_end)
        padding = style["highlight"]["padding_x"] * style["size"] * 1080
        assert abs(pill[0] - (left - padding)) <= 4
        assert abs(pill[-1] - (right + padding)) <= 4


def test_nothing_is_lit_before_the_first_word():
    line = words_of("大家好", ("大家好", 10, 20))
    style = load_style("subtitle", "karaoke")
    pictures = rendered(spec_of([Cue(0, 30, (line,))], style))
    assert columns_of_color(over(pictures, 9, BLACK), color_of(style)).size == 0
    assert columns_of_color(over(pictures, 10, BLACK), color_of(style)).size > 0


@pytest.mark.parametrize("style_id", list_styles("subtitle"))
def test_only_pictures_that_differ_are_sent_in_order(style_id):
    style = load_style("subtitle", style_id)
    pictures = rendered(spec_of([CUE, Cue(60, 30, (CueLine("第二句", ()),))], style))
    starts = [picture.first_film_frame for picture in pictures]
    assert starts == sorted(starts)
    states = len(LINE.words) if style["highlight"]["mode"] != "none" else 1
    assert len(pictures) <= states + 1 + 2 * (style["in"]["frames"] + style["out"]["frames"])
    for first, second in itertools.pairwise(pictures):
        assert second.first_film_frame >= first.first_film_frame + first.frames
        same = first.pixels.shape == second.pixels.shape and (first.x, first.y) == (second.x, second.y)
        assert not same or not np.array_equal(first.pixels, second.pixels)
    shown = {frame for p in pictures for frame in range(p.first_film_frame, p.first_film_frame + p.frames)}
    assert shown == {*range(50), *range(60, 90)}


def test_pictures_are_cropped_straight_alpha():
    for picture in rendered(spec_of([CUE], load_style("subtitle", "karaoke"))):
        assert picture.pixels.dtype == np.uint8
        alpha = picture.pixels[..., 3]
        assert alpha[0].any()
        assert alpha[-1].any()
        assert alpha[:, 0].any()
        assert alpha[:, -1].any()
    # Straight alpha: a half-covered edge of a white letter is white, not grey.
    plain = rendered(
        spec_of(
            [Cue(0, 5, (CueLine("国", ()),))],
            {
                **load_style("subtitle"),
                "outline": {"width": 0, "color": "#000000"},
                "shadow": {"x": 0, "y": 0, "blur": 0, "color": "#00000000"},
            },
        )
    )
    half = plain[0].pixels[(plain[0].pixels[..., 3] > 50) & (plain[0].pixels[..., 3] < 200)]
    assert (half[:, :3] >= 254).all()


def test_a_stretch_shows_its_part_of_what_lies_over_it():
    style = load_style("subtitle", "karaoke")
    whole = rendered(spec_of([CUE], style, frames=50))
    parts = rendered(spec_of([CUE], style, frames=13)) + rendered(spec_of([CUE], style, frames=37, first_film_frame=13))
    assert all(13 <= picture.first_film_frame < 50 for picture in parts if picture.first_film_frame >= 13)
    for frame in range(50):
        assert np.array_equal(over(whole, frame, BLACK), over(parts, frame, BLACK)), frame


def test_a_title_comes_and_goes():
    title = Title(("标题",), 10, 60, load_style("title", "headline"))
    pictures = rendered(spec_of([], {}, title=title))
    ink = [int(over(pictures, frame, BLACK)[..., :3].astype(int).sum()) for frame in range(80)]
    assert ink[9] == ink[70] == 0
    assert 0 < ink[10] < ink[17]
    assert len({ink[frame] for frame in range(18, 64)}) == 1
    assert ink[69] < ink[66] < ink[63]


def test_labels_have_the_height_asked_for_in_their_corner():
    left, top, right, bottom = safe_area("safe", 1080, 1920)
    for corner in Corner:
        pictures = rendered(spec_of([], {}, labels=(Label("国国", 0, 100, 0.05, corner),)))
        assert len(pictures) == 1
        picture = pictures[0]
        height, width = picture.pixels.shape[:2]
        assert picture.frames == 100
        assert (picture.x - left < 3) if "left" in corner.value else (right - picture.x - width < 3)
        assert (picture.y - top < 3) if "top" in corner.value else (bottom - picture.y - height < 3)
        letters = (picture.pixels[..., :3].min(axis=2) > 200) & (picture.pixels[..., 3] > 200)
        rows = np.flatnonzero(letters.any(axis=1))
        assert rows[-1] - rows[0] + 1 >= 0.05 * 1080 - 1


@pytest.mark.parametrize("corner", list(Corner))
def test_labels_stand_in_the_corner_of_the_area_that_is_given(corner):
    bounds = (0.25, 0.5, 0.75, 0.9)
    (picture,) = rendered(spec_of([], {}, labels=(Label("国国", 0, 100, 0.05, corner, bounds),)))
    height, width, _ = picture.pixels.shape
    vertical, side = corner.value.split("_")
    at_edge = {"left": picture.x - 270, "right": 810 - picture.x - width}[side]
    assert -4 <= at_edge <= 30
    assert -4 <= {"top": picture.y - 960, "bottom": 1728 - picture.y - height}[vertical] <= 30


def test_captions_lie_over_titles_over_labels():
    style = load_style("subtitle", "box")
    title = Title(("标题",), 0, 10, {**load_style("title", "banner"), "position": style["position"]})
    spec = spec_of([Cue(0, 10, (CueLine("字幕", ()),))], style, frames=10, title=title)
    order = [picture.pixels.shape for picture in rendered(spec) if picture.first_film_frame == 0]
    assert order[-1] == rendered(spec_of([Cue(0, 10, (CueLine("字幕", ()),))], style, frames=10))[0].pixels.shape


def test_a_line_wider_than_the_band_is_drawn_smaller():
    url = "https://vigent.dev/a/very/long/path/that/fits/no/line/at/all"
    picture = rendered(spec_of([Cue(0, 10, (CueLine(url, ()),))], load_style("subtitle")))[0]
    left, _, right, _ = safe_area("caption", 1080, 1920)
    assert left - 15 <= picture.x
    assert picture.x + picture.pixels.shape[1] <= right + 15


def test_emoji_are_drawn():
    with_emoji = rendered(spec_of([Cue(0, 10, (CueLine("好👨‍👩‍👧", ()),))], load_style("subtitle")))[0]
    without = rendered(spec_of([Cue(0, 10, (CueLine("好", ()),))], load_style("subtitle")))[0]
    assert with_emoji.pixels.shape[1] - without.pixels.shape[1] == pytest.approx(56, abs=5)


@pytest.mark.parametrize("canvas", [(16, 16), (320, 240), (1920, 1080), (1080, 1080)])
def test_every_canvas_keeps_its_pictures_inside(canvas):
    width, height = canvas
    title = Title(("会说话的短视频",), 0, 40, load_style("title", "gold"))
    label = Label("AI 生成", 0, 50, 0.05, Corner.BOTTOM_RIGHT)
    spec = OverlaySpec(width, height, 25, 0, 50, (CUE,), load_style("subtitle", "spotlight"), title, (label,))
    for picture in rendered(spec):
        assert picture.x >= 0
        assert picture.y >= 0
        assert picture.x + picture.pixels.shape[1] <= width
        assert picture.y + picture.pixels.shape[0] <= height


def test_a_missing_glyph_stops_the_drawing_by_name():
    with pytest.raises(InvalidInputError, match=r"no glyph for 한") as refused:
        rendered(spec_of([CUE, Cue(60, 5, (CueLine("한", ()),))], load_style("subtitle")))
    assert refused.value.field == "cues[1].lines"


def test_drawing_stops_when_the_caller_has_gone():
    gone = threading.Event()
    pictures = PlainEngine(EngineSettings()).render(
        spec_of([Cue(10 * n, 10, (CueLine(f"第{n}句", ()),)) for n in range(10)], load_style("subtitle")),
        Progress(cancelled=gone),
    )
    next(pictures)
    gone.set()
    with pytest.raises(CancelledError):
        list(pictures)


def test_progress_counts_what_is_drawn():
    progress = Progress()
    list(PlainEngine(EngineSettings()).render(spec_of([CUE], load_style("subtitle")), progress))
    assert progress.units_done == 1
