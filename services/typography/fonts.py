"""Fonts of assets/fonts by id and weight, uploaded ones by content hash: verified, measured the same way everywhere.

Captions are broken by these widths and drawn with these glyphs, so a line that fits when broken fits when drawn.
A font or a glyph that is missing is an error that names it. Emoji are drawn with Noto Emoji in the colour of the text,
whatever font the style names: colour emoji would need a font of 10 MB, and boxes or gaps are worse.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any

from fontTools.ttLib import TTFont, TTLibError
from PIL import ImageFont

from services.base.errors import FailedPreconditionError, InvalidInputError, NotFoundError
from services.media.storage.opening import open_store
from services.media.store import MediaStore
from services.text.emoji import EMOJI

ASSETS = Path(__file__).resolve().parents[2] / "assets"
EMOJI_FONT = ("noto-emoji", 700)
RICHEST_FONT = ("noto-sans-sc", 700)
EMOJI_SCALE = 0.8
"""Makes an emoji as wide as a Han character."""
_INVISIBLE = frozenset("\u200b\u200c\u200d\u2060\ufe0e\ufe0f\ufeff \u00a0\u3000")


@dataclass(frozen=True)
class FontFile:
    """A font. `family` is the name that players and browsers know; `sha256` names the content."""

    id: str
    family: str
    weight: int
    path: Path
    sha256: str

    @cached_property
    def codepoints(self) -> frozenset[int]:
        """Characters that have a glyph."""
        with TTFont(self.path, lazy=True) as font:
            return frozenset(font.getBestCmap())

    @cached_property
    def ascent_and_descent(self) -> tuple[float, float]:
        """Height above and depth below the baseline in em: the OS/2 win metrics, to which ASS sizes refer."""
        with TTFont(self.path, lazy=True) as font:
            em = font["head"].unitsPerEm
            return font["OS/2"].usWinAscent / em, font["OS/2"].usWinDescent / em

    @lru_cache(maxsize=32)  # noqa: B019 - font files live as long as the process
    def at(self, size_px: float) -> ImageFont.FreeTypeFont:
        """The font at `size_px` pixels an em."""
        return ImageFont.truetype(str(self.path), size_px, layout_engine=ImageFont.Layout.RAQM)


def font_entries(folder: Path = ASSETS / "fonts") -> list[dict[str, Any]]:
    """What fonts.json says of every font: id, family, weight, file, sha256, licence, source, scripts, names."""
    entries: list[dict[str, Any]] = json.loads((folder / "fonts.json").read_text(encoding="utf-8"))["fonts"]
    return entries


class _Uploads:
    """Where this process finds uploaded fonts; one place for the whole process, like assets/fonts."""

    media_root: Path | None = None


def use_uploaded_fonts(media_root: Path) -> None:
    """Lets this process find fonts by their content hash in the media store below `media_root`."""
    _Uploads.media_root = media_root


def is_content_hash(asset_id: str) -> bool:
    """Whether an id names uploaded content; assets that come with Vigent have short names."""
    return re.fullmatch("[0-9a-f]{64}", asset_id) is not None


def find_font(font_id: str, weight: int, folder: Path = ASSETS / "fonts") -> FontFile:
    """The font file of that id (of an uploaded font: its content hash) and weight, its content verified.

    Raises InvalidInputError (FONT_NOT_FOUND, FONT_UNREADABLE) for the field "font", FailedPreconditionError
    (FONT_DAMAGED) when the file is missing or is not the one that fonts.json names.
    """
    if not is_content_hash(font_id):
        return _bundled_font(font_id, weight, folder)
    font = _uploaded_font(_uploaded_path(font_id), font_id)
    if font.weight != weight:
        problem = f"The uploaded font {font.family} has the weight {font.weight}, not {weight}."
        raise InvalidInputError(problem, f"Ask for the weight {font.weight}.", "font", "FONT_NOT_FOUND")
    return font


def _uploaded_path(sha256: str) -> Path:
    """Looked up each time, because uploads can be deleted."""
    if _Uploads.media_root is not None:
        with contextlib.suppress(NotFoundError):
            return _media_store(_Uploads.media_root).path(sha256)
    raise InvalidInputError(f"There is no uploaded font {sha256}.", "Upload it again.", "font", "FONT_NOT_FOUND")


@cache
def _media_store(root: Path) -> MediaStore:
    return open_store(root)


@cache
def _uploaded_font(path: Path, sha256: str) -> FontFile:
    try:
        with TTFont(path, lazy=True) as font:
            family = str(font["name"].getBestFamilyName() or "Unnamed")
            found = FontFile(sha256, family, int(font["OS/2"].usWeightClass), path, sha256)
            assert found.codepoints
            found.at(_MEASURED_EM_PX)
    except (TTLibError, KeyError, ValueError, AssertionError, IndexError, TypeError, OSError) as error:
        problem = f"The file {sha256} cannot be read as a font."
        raise InvalidInputError(problem, "Upload a TTF or OTF font.", "font", "FONT_UNREADABLE") from error
    _verify(path, sha256)
    return found


@cache
def _bundled_font(font_id: str, weight: int, folder: Path) -> FontFile:
    entries = font_entries(folder)
    for entry in entries:
        if (entry["id"], entry["weight"]) == (font_id, weight):
            path = folder / entry["file"]
            _verify(path, entry["sha256"])
            return FontFile(font_id, entry["family"], weight, path, entry["sha256"])
    known = ", ".join(f"{entry['id']} {entry['weight']}" for entry in entries if entry["id"] != EMOJI_FONT[0])
    problem = f"There is no font {font_id!r} of weight {weight}."
    raise InvalidInputError(problem, f"Use one of: {known}.", "font", "FONT_NOT_FOUND")


def _verify(path: Path, sha256: str) -> None:
    remedy = "Install the project's assets again, or upload the font again."
    if not path.is_file():
        raise FailedPreconditionError(f"The font file {path.name} is missing.", remedy, "font", "FONT_DAMAGED")
    if hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        problem = f"The font file {path.name} is not the one that its hash names."
        raise FailedPreconditionError(problem, remedy, "font", "FONT_DAMAGED")


@dataclass(frozen=True)
class Run:
    """A stretch of text drawn with one font, at `scale` times the size of the line."""

    text: str
    font: FontFile
    scale: float


@dataclass(frozen=True)
class Typeface:
    """A text font, with the emoji font for emoji."""

    text_font: FontFile
    emoji_font: FontFile

    def runs(self, text: str) -> Iterator[Run]:
        """Stretches of `text` in order, each with the font that draws it."""
        position = 0
        for match in EMOJI.finditer(text):
            if match.start() > position:
                yield Run(text[position : match.start()], self.text_font, 1.0)
            yield Run(match[0], self.emoji_font, EMOJI_SCALE)
            position = match.end()
        if position < len(text):
            yield Run(text[position:], self.text_font, 1.0)

    def width_em(self, text: str) -> float:
        """Advance width of a line in em, kerning included, letter spacing not."""
        return sum(run.scale * _run_width_em(run.font, run.text) for run in self.runs(text))

    def missing(self, text: str) -> list[str]:
        """Characters of `text` that neither font has, each once, in order."""
        missing = (
            character
            for run in self.runs(text)
            for character in run.text
            if ord(character) not in run.font.codepoints and character not in _INVISIBLE
        )
        return list(dict.fromkeys(missing))

    def require(self, text: str, field: str, otherwise: str = "write it in other letters") -> None:
        """Raises InvalidInputError (GLYPH_MISSING) for `field` when a character of `text` cannot be drawn.

        `otherwise` is what the user can do without a font that has it.
        """
        if missing := self.missing(text):
            shown = ", ".join(f"{character} (U+{ord(character):04X})" for character in missing[:5])
            problem = f"The font {self.text_font.family} has no glyph for {shown}."
            raise InvalidInputError(problem, _remedy(missing, otherwise), field, "GLYPH_MISSING")


def _remedy(missing: list[str], otherwise: str) -> str:
    """Another bundled font if that helps, else an upload."""
    if all(ord(character) in find_font(*RICHEST_FONT).codepoints for character in missing):
        return f"Choose a style with Noto Sans SC 700, which has them, or {otherwise}."
    return f"Upload a font for that script and name it in a style, or {otherwise}."


_MEASURED_EM_PX = 1000


@lru_cache(maxsize=4096)
def _run_width_em(font: FontFile, text: str) -> float:
    return font.at(_MEASURED_EM_PX).getlength(text) / _MEASURED_EM_PX


def typeface(font_id: str, weight: int) -> Typeface:
    """The typeface that a style names. Raises like `find_font`."""
    return Typeface(find_font(font_id, weight), find_font(*EMOJI_FONT))
