"""How good the captions of a film are: every rule that a subtitle editor would check, as figures and findings."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from orchestrator.captions.contrast import lowest_contrast
from orchestrator.captions.cues import (
    JOINED_GAP_FRAMES,
    MAX_CUE_FRAMES,
    MIN_CUE_FRAMES,
    MIN_GAP_FRAMES,
    Cue,
    CueLine,
    gaps,
)
from orchestrator.captions.layout import CaptionLayout
from orchestrator.captions.opportunities import CLOSING, OPENING
from services.media.timeline import FRAME_RATE_HZ
from services.text.line_length import max_units, units_of
from services.text.sentences import language_of
from services.text.tokens import protected_spans
from services.typography.typeset import padding_em, place_lines

MAX_CHARACTERS_PER_SECOND = {"zh": 9.0, "en": 20.0}
"""Reading speed of adults (Netflix Timed Text Style Guides for Simplified Chinese and English)."""
MIN_CONTRAST = 4.5
"""WCAG 2.2, success criterion 1.4.3."""
_ROUNDING_PX = 1.0


@dataclass(frozen=True)
class Finding:
    """A rule that a cue breaks: its value and the limit. `cue` counts from 0; -1 stands for the style as a whole."""

    check: str
    cue: int
    first_film_frame: int
    text: str
    value: float
    limit: float


def quality_report(cues: Sequence[Cue], layout: CaptionLayout) -> dict[str, Any]:
    """Figures and findings for all cues of a film, as JSON-able data.

    The checks are cps, width, units, lines, duration, gap, overlap, orphan, cut_token, starts_with_closing,
    ends_with_opening, glyph_missing, contrast, outside_safe_area.
    """
    findings = [*_of_style(layout), *_of_breaks(cues), *_of_gaps(cues)]
    for index, cue in enumerate(cues):
        findings += _of_cue(index, cue, layout)
    speeds = [characters_per_second(cue) for cue in cues]
    return {
        "cues": len(cues),
        "lines": sum(len(cue.lines) for cue in cues),
        "two_line_cues": sum(len(cue.lines) > 1 for cue in cues),
        "highest_cps": round(max(speeds, default=0.0), 2),
        "mean_cps": round(sum(speeds) / len(speeds), 2) if speeds else 0.0,
        "shortest_s": min((cue.frames for cue in cues), default=0) / FRAME_RATE_HZ,
        "longest_s": max((cue.frames for cue in cues), default=0) / FRAME_RATE_HZ,
        "widest_share": round(max((_width_share(line, layout) for line in _lines(cues)), default=0.0), 3),
        "contrast": round(lowest_contrast(layout.style), 2),
        "findings": [asdict(finding) for finding in sorted(findings, key=lambda finding: finding.cue)],
    }


def characters_per_second(cue: Cue) -> float:
    """Reading speed: counts every character in English, all but white space and punctuation in Chinese."""
    text = cue.text.replace("\n", " ")
    if language_of(text) == "zh":
        text = "".join(character for character in text if unicodedata.category(character)[0] in "LNS")
    return len(text) * FRAME_RATE_HZ / cue.frames


def _lines(cues: Sequence[Cue]) -> Iterator[CueLine]:
    return (line for cue in cues for line in cue.lines)


def _width_share(line: CueLine, layout: CaptionLayout) -> float:
    return layout.width_px(line.text) / layout.line_width_px


def _of_style(layout: CaptionLayout) -> Iterator[Finding]:
    contrast = lowest_contrast(layout.style)
    if contrast < MIN_CONTRAST:
        yield Finding("contrast", -1, 0, "", round(contrast, 2), MIN_CONTRAST)


def _of_breaks(cues: Sequence[Cue]) -> Iterator[Finding]:
    """Cut tokens: looks at the lines of a sentence joined together again."""
    numbered = [(index, cue, line) for index, cue in enumerate(cues) for line in cue.lines]
    sentence = ""
    for (_, _, line), (index, cue, following) in pairwise(numbered):
        sentence = line.source if line.char_start == 0 else sentence + line.source
        if following.char_start != line.char_end:
            continue
        place = len(sentence)
        if any(start < place < end for start, end in protected_spans(sentence + following.source)):
            yield Finding("cut_token", index, cue.first_film_frame, following.text, 1, 0)


def _of_gaps(cues: Sequence[Cue]) -> Iterator[Finding]:
    for index, gap in enumerate(gaps(cues), 1):
        place = (index, cues[index].first_film_frame, cues[index].text)
        if gap < 0:
            yield Finding("overlap", *place, gap, 0)
        elif 0 < gap < MIN_GAP_FRAMES:
            yield Finding("gap", *place, gap, MIN_GAP_FRAMES)
        elif MIN_GAP_FRAMES <= gap < JOINED_GAP_FRAMES and cues[index].lines[0].char_start:
            yield Finding("gap", *place, gap, JOINED_GAP_FRAMES)


def _of_cue(index: int, cue: Cue, layout: CaptionLayout) -> Iterator[Finding]:
    place = (index, cue.first_film_frame, cue.text)
    speed, limit = characters_per_second(cue), MAX_CHARACTERS_PER_SECOND[language_of(cue.text)]
    if speed > limit:
        yield Finding("cps", *place, round(speed, 2), limit)
    if not MIN_CUE_FRAMES <= cue.frames <= MAX_CUE_FRAMES:
        nearest = MIN_CUE_FRAMES if cue.frames < MIN_CUE_FRAMES else MAX_CUE_FRAMES
        yield Finding("duration", *place, cue.frames / FRAME_RATE_HZ, nearest / FRAME_RATE_HZ)
    if len(cue.lines) > layout.max_lines:
        yield Finding("lines", *place, len(cue.lines), layout.max_lines)
    if outside := _pixels_outside(cue, layout):
        yield Finding("outside_safe_area", *place, round(outside, 1), 0)
    for line in cue.lines:
        for check, value, most in _line_checks(line, layout):
            if value > most:
                yield Finding(check, *place, round(value, 3), most)


def _line_checks(line: CueLine, layout: CaptionLayout) -> Iterator[tuple[str, float, float]]:
    letters = sum(unicodedata.category(character)[0] in "LN" for character in line.text)
    yield "width", _width_share(line, layout), 1.0
    yield "units", units_of(line.text), max_units(line.text)
    yield "orphan", letters <= 1 and line.char_start > 0, 0
    yield "starts_with_closing", line.text[:1] in CLOSING, 0
    yield "ends_with_opening", line.text[-1:] in OPENING, 0
    yield "glyph_missing", len(layout.typeface.missing(line.text)), 0


def _pixels_outside(cue: Cue, layout: CaptionLayout) -> float:
    """How far the cue reaches beyond the safe area."""
    block = place_lines([line.text for line in cue.lines], layout.style, layout.width, layout.height)
    pad_x, pad_y = (share * block.font_px for share in padding_em(layout.style))
    left, top, right, bottom = block.text_edges
    safe_left, safe_top, safe_right, safe_bottom = layout.safe_px
    beyond = max(
        safe_left - left + pad_x, safe_top - top + pad_y, right + pad_x - safe_right, bottom + pad_y - safe_bottom
    )
    return beyond if beyond > _ROUNDING_PX else 0.0
