"""A spec as the Node child gets it."""

import json

import pytest

from services.base.errors import InvalidInputError
from services.overlay.engine import Corner, Cue, CueLine, Label, OverlaySpec, Title
from services.overlay.remotion.resolve import resolved
from services.typography.cues import CueWord
from services.typography.styles import load_style, safe_area

KARAOKE = load_style("subtitle", "karaoke")


def spec_of(*cues: Cue, **more) -> OverlaySpec:
    return OverlaySpec(1080, 1920, 25, 5, 100, cues, KARAOKE if cues else {}, **more)


def test_labels_then_the_title_then_captions_each_with_its_style_font_and_place():
    title = Title(("一", "二"), 0, 50, load_style("title"))
    cues = [Cue(start, 20, (CueLine("好", (CueWord(0, 1, start, 9),)),)) for start in (0, 40)]
    plain = resolved(spec_of(*cues, title=title, labels=(Label("AI", 0, 9, 0.05, Corner.BOTTOM_RIGHT),)))
    assert json.loads(json.dumps(plain, ensure_ascii=False))["firstFilmFrame"] == 5
    texts = [[line["text"] for line in block["lines"]] for block in plain["blocks"]]
    assert texts == [["AI"], ["一", "二"], ["好"], ["好"]]
    assert [block["setting"] for block in plain["blocks"]] == [0, 1, 2, 2]
    assert plain["blocks"][3]["lines"][0]["words"] == [{"charStart": 0, "charEnd": 1, "firstFilmFrame": 40}]
    label, _, caption = plain["settings"]
    assert (label["style"]["position"]["vertical"], label["style"]["alignment"]) == ("bottom", "right")
    assert caption["bounds"] == safe_area(KARAOKE["position"]["area"], 1080, 1920)
    assert caption["font"].endswith("NotoSansSC-Bold.otf")
    assert plain["emojiFont"].endswith("NotoEmoji-Bold.ttf")


def test_nothing_but_a_canvas_is_a_spec():
    assert resolved(spec_of())["blocks"] == []


def test_a_glyph_that_no_font_has_is_named_with_its_field():
    cues = (Cue(0, 10, (CueLine("好"),)), Cue(10, 10, (CueLine("한"),)))
    with pytest.raises(InvalidInputError) as refused:
        resolved(spec_of(*cues))
    assert (refused.value.field, refused.value.reason) == ("cues[1].lines", "GLYPH_MISSING")


def test_glyphs_are_those_of_what_is_shown():
    style = {**KARAOKE, "uppercase": True}
    assert resolved(OverlaySpec(1080, 1920, 25, 0, 10, (Cue(0, 10, (CueLine("straße"),)),), style))["blocks"]
