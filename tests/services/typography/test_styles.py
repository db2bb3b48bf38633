import copy
import json
import shutil

import jsonschema
import pytest

from services.base.errors import InvalidInputError, NotFoundError
from services.media.formats import sniff
from services.typography.fonts import ASSETS
from services.typography.styles import (
    DEFAULT_STYLES,
    check_style,
    displayed,
    list_styles,
    load_style,
    parse_style,
    read_style,
    safe_area,
)

SMALLEST = {"version": 1, "names": {"en": "x", "zh": "x"}, "font": {"id": "noto-sans-sc", "weight": 700}, "size": 0.05}
ALL = [(kind, style_id) for kind in DEFAULT_STYLES for style_id in list_styles(kind)]


def test_there_are_enough_styles():
    assert len(list_styles("subtitle")) >= 6
    assert len(list_styles("title")) >= 4


@pytest.mark.parametrize(("kind", "style_id"), ALL)
def test_every_style_loads_with_all_keys(kind, style_id):
    style = load_style(kind, style_id)
    schema = json.loads((ASSETS / "styles" / "schema.json").read_text(encoding="utf-8"))
    assert set(style) == set(schema["properties"])
    assert set(style["highlight"]) == set(schema["properties"]["highlight"]["properties"])
    assert check_style(style, "style") == style
    assert style["position"]["area"] == {"subtitle": "caption", "title": "title", "label": "safe"}[kind]


def test_the_schema_is_a_schema_whose_defaults_are_valid():
    schema = json.loads((ASSETS / "styles" / "schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    filled = check_style(SMALLEST, "style")
    assert filled["highlight"]["mode"] == "none"
    assert filled["in"] == {"kind": "none", "frames": 0}
    assert check_style(filled, "style") == filled


def test_filling_leaves_the_callers_style_and_the_schema_alone():
    before = copy.deepcopy(SMALLEST)
    check_style(SMALLEST, "style")["fill"]["color"] = "#123456"
    assert before == SMALLEST
    assert check_style(SMALLEST, "style")["fill"]["color"] == "#FFFFFF"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"colour": "#FFFFFF"}, "style"),
        ({"version": 2}, "style.version"),
        ({"size": "big"}, "style.size"),
        ({"size": 3}, "style.size"),
        ({"fill": {"color": "white"}}, "style.fill.color"),
        ({"highlight": {"mode": "disco"}}, "style.highlight.mode"),
        ({"box": {"mode": "line", "shadow": 1}}, "style.box"),
        ({"in": {"kind": "fade", "frames": 500}}, "style.in.frames"),
        ({"position": {"bounds": [0, 0, 1]}}, "style.position.bounds"),
        ({"font": {"id": "comic-sans", "weight": 700}}, "style.font"),
        ({"font": {"id": "noto-sans-sc", "weight": 100}}, "style.font"),
        ({"font": {"id": "../../etc/passwd", "weight": 700}}, "style.font.id"),
    ],
)
def test_bad_styles_are_refused_by_key(change, field):
    with pytest.raises(InvalidInputError) as refused:
        check_style({**SMALLEST, **change}, "style")
    assert refused.value.field == field
    assert refused.value.remedy


NOT_FINITE = [
    json.dumps({**SMALLEST, "shadow": {"x": 7}}).replace("7", number) for number in ("NaN", "Infinity", "-1e999")
]
DEEP = [bracket * depth for bracket in ("[", '{"a":') for depth in (900, 5_000, 50_000)]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "3", '"style"', "null", *DEEP, *NOT_FINITE, f"{'[' * 990}{']' * 990}", f'{{"id": {"9" * 5_000}}}'],
    ids=lambda text: f"{text[:8]} {len(text)}",
)
def test_what_is_no_style_at_all_is_refused(text):
    with pytest.raises(InvalidInputError) as refused:
        parse_style(text, "caption_style_json")
    assert (refused.value.field, refused.value.reason) == ("caption_style_json", "STYLE_INVALID")


@pytest.mark.parametrize("style_id", ["nope", "../title/headline", "classic.json", "/etc/passwd", "\0"])
def test_unknown_ids_are_refused_with_those_that_exist(style_id):
    with pytest.raises(NotFoundError, match=r"classic, karaoke") as refused:
        load_style("subtitle", style_id)
    assert (refused.value.field, refused.value.reason) == ("spec.caption_style", "STYLE_NOT_FOUND")


def test_a_bad_file_is_named(tmp_path, monkeypatch):
    shutil.copytree(ASSETS / "styles", tmp_path / "styles")
    (tmp_path / "styles" / "title" / "broken.json").write_text(json.dumps({**SMALLEST, "glow": 1}), encoding="utf-8")
    monkeypatch.setattr("services.typography.styles.ASSETS", tmp_path)
    with pytest.raises(InvalidInputError, match=r"assets/styles/title/broken\.json.*glow"):
        load_style("title", "broken")


def test_capitals_keep_offsets():
    style = check_style({**SMALLEST, "uppercase": True}, "style")
    assert displayed("straße ﬁn", style) == "STRAßE ﬁN"
    assert displayed("abc", check_style(SMALLEST, "style")) == "abc"


def test_safe_areas_scale_with_the_canvas():
    assert safe_area("caption", 540, 960) == tuple(edge / 2 for edge in safe_area("caption", 1080, 1920))
    left, _, right, bottom = safe_area("caption", 1920, 1080)
    assert left > 200
    assert right < 1720
    assert bottom > 900


def test_an_upload_may_begin_as_notepad_has_it(tmp_path):
    text = (ASSETS / "styles" / "subtitle" / "box.json").read_text(encoding="utf-8")
    (tmp_path / "look.json").write_text(text, encoding="utf-8-sig")
    assert sniff(tmp_path / "look.json", "json").medium == "json"
    assert read_style(tmp_path / "look.json", "file") == load_style("subtitle", "box")
