import hashlib
import shutil

import pytest

from services.base.errors import FailedPreconditionError, InvalidInputError
from services.text.emoji import EMOJI
from services.typography.fonts import ASSETS, EMOJI_FONT, find_font, font_entries, typeface

FACE = typeface("noto-sans-sc", 700)


def gb2312() -> str:
    pairs = (bytes([row, cell]).decode("gb2312", "ignore") for row in range(0xB0, 0xF8) for cell in range(0xA1, 0xFF))
    return "".join(pairs)


def gbk_han() -> str:
    return "".join(chr(code) for code in range(0x4E00, 0x9FA6))


@pytest.mark.parametrize("entry", font_entries(), ids=lambda entry: entry["file"])
def test_every_font_has_its_hash_licence_and_source(entry):
    folder = ASSETS / "fonts"
    assert hashlib.sha256((folder / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]
    assert "SIL OPEN FONT LICENSE" in (folder / entry["licence_file"]).read_text(encoding="utf-8").upper()
    assert entry["source"]
    font = find_font(entry["id"], entry["weight"])
    assert font.at(40).getname()[0] in font.family


def test_the_fonts_stay_small():
    assert sum(path.stat().st_size for path in (ASSETS / "fonts").iterdir()) < 17e6


@pytest.mark.parametrize("entry", [entry for entry in font_entries() if entry["id"] != EMOJI_FONT[0]])
def test_text_fonts_have_chinese_and_latin(entry):
    face = typeface(entry["id"], entry["weight"])
    assert face.missing(gb2312()) == []
    assert (
        face.missing("ABCxyz0189 .,!?;:'\"()[]{}<>@#$%^&*-_=+/\\|~` éüñß€£¥—–…“”‘’ ，。！？；：、（）《》【】「」·")
        == []
    )


@pytest.mark.parametrize("weight", [500, 700])
def test_medium_and_bold_have_all_of_gbk(weight):
    assert typeface("noto-sans-sc", weight).missing(gbk_han()) == []


def test_bold_has_rare_characters_of_names():
    assert FACE.missing("䶮㛃䲠𬬭𬭚𫟹𬍛") == []


def test_unknown_fonts_are_refused_with_those_that_exist():
    with pytest.raises(InvalidInputError, match=r"no font 'comic-sans' of weight 700.*smiley-sans 400"):
        find_font("comic-sans", 700)


@pytest.fixture
def copied_fonts(tmp_path):
    for name in ("fonts.json", "SmileySans-Oblique.ttf"):
        shutil.copy(ASSETS / "fonts" / name, tmp_path)
    return tmp_path


def test_a_missing_font_file_is_an_error(copied_fonts):
    (copied_fonts / "SmileySans-Oblique.ttf").unlink()
    with pytest.raises(FailedPreconditionError, match=r"SmileySans-Oblique\.ttf is missing"):
        find_font("smiley-sans", 400, copied_fonts)


def test_a_changed_font_file_is_an_error(copied_fonts):
    with (copied_fonts / "SmileySans-Oblique.ttf").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(FailedPreconditionError, match=r"SmileySans-Oblique\.ttf is not the one"):
        find_font("smiley-sans", 400, copied_fonts)


def test_a_missing_glyph_is_an_error_that_names_it():
    with pytest.raises(InvalidInputError, match=r"Noto Sans CJK SC has no glyph for 한 \(U\+D55C\)") as refused:
        FACE.require("你好 한", "title.lines")
    assert (refused.value.field, refused.value.reason) == ("title.lines", "GLYPH_MISSING")


def test_the_remedy_for_a_missing_glyph_is_one_that_helps():
    smiley = typeface("smiley-sans", 400)
    rare = next(char for char in "龘靐齉爨癵籱" if smiley.missing(char) and not FACE.missing(char))
    with pytest.raises(InvalidInputError, match="Choose a style with Noto Sans SC 700, which has them, or"):
        smiley.require(rare, "spec.script")
    with pytest.raises(InvalidInputError, match="Upload a font for that script and name it in a style, or"):
        smiley.require(f"{rare}한", "spec.script")


def test_widths_are_those_of_the_font():
    assert FACE.width_em("你好") == pytest.approx(2.0)
    assert FACE.width_em("AV") < FACE.width_em("A") + FACE.width_em("V")  # kerning
    assert FACE.width_em("😀") == pytest.approx(1.0, abs=0.05)


def test_emoji_are_runs_of_their_own():
    runs = [(run.text, run.font.id) for run in FACE.runs("好👨‍👩‍👧→❤️ok")]
    assert runs == [
        ("好", "noto-sans-sc"),
        ("👨‍👩‍👧", "noto-emoji"),
        ("→", "noto-sans-sc"),
        ("❤️", "noto-emoji"),
        ("ok", "noto-sans-sc"),
    ]
    assert FACE.missing("👨‍👩‍👧🇨🇳👍🏽1️⃣❤️⚡✨") == []


@pytest.mark.parametrize("text", ["12", "#1", "©", "→", "★", "a*b", "❤", "✓"])
def test_text_symbols_are_no_emoji(text):
    assert not EMOJI.search(text)
