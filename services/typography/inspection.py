"""Looks at fonts from outside. Runs only in a limited child (`sandbox.run_limited`)."""

from __future__ import annotations

import locale
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from fontTools import unicodedata as scripts_of_unicode
from fontTools.ttLib import TTFont, TTLibError
from PIL import ImageFont

from services.base.errors import InvalidInputError

_DRAWN_PX, _DRAWN_AT_ONCE = 48, 64
_LEAST_CHARACTERS = 40  # of a script that a font must have to count as writing it
_EMOJI = range(0x1F300, 0x1FB00)  # Unicode's pictograph blocks
_SHARED_SCRIPTS = {"Zyyy", "Zinh", "Zzzz"}
_FULL_NAME, _LICENCE, _LICENCE_URL = 4, 13, 14  # OpenType name table
_WINDOWS = 3


@dataclass(frozen=True)
class FontFacts:
    """A font: names by BCP 47 language, OpenType weight class (400 regular, 700 bold), ISO 15924 scripts it writes."""

    family: str
    weight: int
    italic: bool
    glyphs: int
    scripts: list[str]
    names: dict[str, str] = field(default_factory=dict)
    licence: str = ""


def inspect_font(path: Path) -> FontFacts:
    """Reads names, weight and coverage. Raises InvalidInputError when the font is not usable."""
    try:
        with TTFont(path, lazy=True) as font:
            cmap = font.getBestCmap() or {}
            names = font["name"]
            _draw_every_glyph(path, cmap)
            return FontFacts(
                family=str(names.getBestFamilyName() or "Unnamed"),
                weight=int(font["OS/2"].usWeightClass),
                italic=bool(font["OS/2"].fsSelection & 1),
                glyphs=int(font["maxp"].numGlyphs),
                scripts=_scripts(cmap),
                names=_full_names(font),
                licence=str(names.getDebugName(_LICENCE) or names.getDebugName(_LICENCE_URL) or "")[:500],
            )
    except (TTLibError, KeyError, ValueError, AssertionError, IndexError, OSError) as error:
        problem = "The file cannot be read as a font."
        raise InvalidInputError(problem, "Open it in a font viewer to see it.", "file", "UNREADABLE_FILE") from error


def _draw_every_glyph(path: Path, cmap: dict[int, str]) -> None:
    """Captions are measured and drawn without a sandbox: a font that crashes FreeType must do so here."""
    face = ImageFont.truetype(str(path), _DRAWN_PX, layout_engine=ImageFont.Layout.BASIC)
    drawable = [chr(codepoint) for codepoint in sorted(cmap) if not 0xD800 <= codepoint < 0xE000]
    for start in range(0, len(drawable), _DRAWN_AT_ONCE):
        face.getmask("".join(drawable[start : start + _DRAWN_AT_ONCE]))


def _scripts(cmap: dict[int, str]) -> list[str]:
    found = Counter(scripts_of_unicode.script(chr(codepoint)) for codepoint in cmap)
    found["Zsye"] = sum(codepoint in _EMOJI for codepoint in cmap)
    return sorted(name for name, count in found.items() if count >= _LEAST_CHARACTERS and name not in _SHARED_SCRIPTS)


def _full_names(font: TTFont) -> dict[str, str]:
    """Full names (name ID 4) by language, from the Windows records, which every renderer reads."""
    names = {}
    for record in font["name"].names:
        if record.nameID == _FULL_NAME and record.platformID == _WINDOWS:
            language = locale.windows_locale.get(record.langID, "en_US").replace("_", "-")
            names[language] = record.toUnicode()
    return names
