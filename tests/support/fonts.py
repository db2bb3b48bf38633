"""A font that nobody can take for another: every character is a solid block."""

from __future__ import annotations

from io import BytesIO
from string import ascii_letters, digits

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

CHARACTERS = f"{ascii_letters}{digits} .,!?"
WEIGHT = 400
EM, ADVANCE, LEFT, RIGHT, TOP = 1000, 600, 100, 500, 700


def block_font(family: str = "Blocks") -> bytes:
    """The font as a TTF: blocks of 400 x 700 in an advance of 600 units of a thousandth em."""
    builder = FontBuilder(EM, isTTF=True)
    names = {ord(character): f"u{ord(character):04X}" for character in CHARACTERS}
    builder.setupGlyphOrder([".notdef", *names.values()])
    builder.setupCharacterMap(names)
    glyphs = {name: _block() for name in (".notdef", *names.values())}
    glyphs[names[ord(" ")]] = TTGlyphPen(None).glyph()
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics(dict.fromkeys(glyphs, (ADVANCE, LEFT)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": "Regular"})
    builder.setupOS2(usWeightClass=WEIGHT, usWinAscent=800, usWinDescent=200, sTypoAscender=800, sTypoDescender=-200)
    builder.setupPost()
    builder.font["head"].created = builder.font["head"].modified = 0
    builder.font.recalcTimestamp = False
    file = BytesIO()
    builder.save(file)
    return file.getvalue()


def _block() -> object:
    pen = TTGlyphPen(None)
    pen.moveTo((LEFT, 0))
    for corner in ((LEFT, TOP), (RIGHT, TOP), (RIGHT, 0)):
        pen.lineTo(corner)
    pen.closePath()
    return pen.glyph()
