"""How the Noto files of assets/fonts were made; run again only to change their coverage.

    apt-get download fonts-noto-cjk fonts-noto-cjk-extra && dpkg-deb -x each of them into FOLDER
    pip install fonttools cffsubr
    python assets/tools/build_fonts.py FOLDER

Takes the Simplified Chinese face out of each collection, drops Hangul syllables, hints (captions are drawn far above
the sizes where hints help) and vertical metrics, and packs the outlines. Smiley Sans and Noto Emoji are unchanged
upstream files.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTCollection, TTFont

FONTS = Path(__file__).parents[1] / "fonts"
HANGUL = ((0x1100, 0x11FF), (0x3130, 0x318F), (0xA960, 0xA97F), (0xAC00, 0xD7FF), (0xFFA0, 0xFFDC))
HAN = ((0x2E80, 0x2FDF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))
FEATURES = ["kern", "ccmp", "mark", "mkmk", "liga"]


def _within(codepoint: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= codepoint <= last for first, last in ranges)


def _encodes(codepoint: int, charset: str) -> bool:
    try:
        return bool(chr(codepoint).encode(charset))
    except UnicodeEncodeError:
        return False


def _all_but_hangul(codepoint: int) -> bool:
    return not _within(codepoint, HANGUL)


def _han_of(charset: str) -> Callable[[int], bool]:
    """Everything but Hangul, of the Han characters only those of `charset`."""
    return lambda codepoint: _encodes(codepoint, charset) if _within(codepoint, HAN) else not _within(codepoint, HANGUL)


FILES = {
    "Medium": _han_of("gbk"),
    "Bold": _all_but_hangul,
    "Black": _han_of("gb2312"),
}


def _chinese_face(collection: Path) -> TTFont:
    fonts = TTCollection(collection).fonts
    return next(font for font in fonts if font["name"].getDebugName(1).startswith("Noto Sans CJK SC"))


def subsetted(font: TTFont, keep: Callable[[int], bool]) -> TTFont:
    """The font itself, with only the characters that `keep` says yes to, and without what captions do not need."""
    options = _options()
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=[codepoint for codepoint in font.getBestCmap() if keep(codepoint)])
    subsetter.subset(font)
    return font


def _options() -> subset.Options:
    options = subset.Options(layout_features=FEATURES, hinting=False, name_IDs=["*"], notdef_outline=True)
    options.drop_tables += ["vhea", "vmtx", "VORG", "BASE", "DSIG"]
    return options


def _build(collection: Path, keep: Callable[[int], bool], target: Path) -> None:
    subset.save_font(subsetted(_chinese_face(collection), keep), target, _options())
    subprocess.run([sys.executable, "-m", "cffsubr", "--inplace", str(target)], check=True)


def main(folder: Path) -> None:
    """Builds every Noto Sans SC file from the collections below `folder`."""
    for weight, keep in FILES.items():
        collection = next(folder.rglob(f"NotoSansCJK-{weight}.ttc"))
        _build(collection, keep, FONTS / f"NotoSansSC-{weight}.otf")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
