"""The programs in assets/tools make the assets that are there."""

from pathlib import Path

import av
import numpy as np
import pytest
from fontTools.ttLib import TTFont
from PIL import Image

from assets.tools import build_fonts, contact_sheet, presenter
from assets.tools.compose import FOLDER, TRACKS, mastered
from tests.support.mesh import ROOT
from tests.support.sounds import read_sound


def test_the_presenter_is_the_one_that_is_drawn() -> None:
    with av.open(str(ROOT / "assets" / "demo" / "presenter.mp4")) as container:
        first = next(container.decode(video=0)).to_ndarray(format="rgb24")
    drawn = next(presenter.frames())
    assert drawn.shape == (1920, 1080, 3)
    error = np.mean((drawn.astype(float) - first) ** 2)
    assert 10 * np.log10(255**2 / error) > 35  # H.264 at crf 23


@pytest.mark.parametrize("name", TRACKS)
def test_the_music_is_what_is_composed(name: str) -> None:
    compose, _ = TRACKS[name]
    composed, stored = mastered(compose()), read_sound(FOLDER / f"{name}.m4a")
    length = min(composed.shape[1], stored.shape[1])
    same = np.corrcoef(composed[:, :length].ravel(), stored[:, :length].ravel())[0, 1]
    assert same > 0.99  # AAC at 128 kbit/s


def test_the_sheet_of_styles_is_the_one_in_docs() -> None:
    with Image.open(ROOT / "docs" / "styles.png") as stored:
        kept = np.asarray(stored.convert("RGB"), float)
    drawn = np.asarray(contact_sheet.contact_sheet(), float)
    assert drawn.shape == kept.shape
    assert np.abs(drawn - kept).mean() < 1


@pytest.mark.parametrize("weight", build_fonts.FILES)
def test_fonts_have_the_characters_that_their_rule_keeps(weight: str) -> None:
    characters = TTFont(ROOT / "assets" / "fonts" / f"NotoSansSC-{weight}.otf").getBestCmap()
    assert set(map(ord, "汉字Aa1，。")) <= set(characters)
    assert all(build_fonts.FILES[weight](codepoint) for codepoint in characters)


def test_a_font_is_cut_to_its_rule(tmp_path: Path) -> None:
    source = ROOT / "assets" / "fonts" / "NotoSansSC-Black.otf"
    font = build_fonts.subsetted(TTFont(source), lambda codepoint: codepoint in map(ord, "汉字"))
    font.save(tmp_path / "cut.otf")
    assert set(TTFont(tmp_path / "cut.otf").getBestCmap()) == set(map(ord, "汉字"))
