"""Captions as subtitles, as a file of Advanced SubStation Alpha, and as words with their times."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from orchestrator.captions.cues import Cue, CueLine
from orchestrator.captions.layout import CaptionLayout
from services.media.timeline import FRAME_RATE_HZ
from services.text.subtitles import Subtitle

_WORD_JOINER = "\u2060"
_ASS_ALIGNMENT = {
    (vertical, horizontal): row + column
    for row, vertical in ((1, "bottom"), (4, "middle"), (7, "top"))
    for column, horizontal in enumerate(("left", "center", "right"))
}


def subtitles_of(cues: Sequence[Cue]) -> list[Subtitle]:
    """The cues with times in milliseconds, for SubRip and WebVTT."""
    return [Subtitle(_ms(cue.first_film_frame), _ms(cue.end_film_frame), cue.text) for cue in cues]


def write_ass(cues: Sequence[Cue], layout: CaptionLayout) -> str:
    """ASS v4.00+ with font, colours, outline and place of the style, and with the times of words that light up."""
    karaoke = layout.style["highlight"]["mode"] != "none"
    place = _ass_place(layout)
    events = (
        f"Dialogue: 0,{_ass_clock(cue.first_film_frame)},{_ass_clock(cue.end_film_frame)},Caption,,0,0,0,,{place}"
        + (_ass_karaoke(cue) if karaoke else r"\N".join(_ass_text(line.text) for line in cue.lines))
        for cue in cues
    )
    return "\n".join((*_ass_head(layout), *events, ""))


def write_words(cues_of_segments: Sequence[Sequence[Cue]]) -> str:
    """JSON: each spoken word with its segment, its characters in the segment's text (code points) and its seconds."""
    words = (
        {"segment": segment, **word}
        for segment, cues in enumerate(cues_of_segments)
        for cue in cues
        for line in cue.lines
        for word in _words_of(line)
    )
    return json.dumps(list(words), ensure_ascii=False)


def _words_of(line: CueLine) -> Iterator[dict[str, Any]]:
    offset = line.char_start + len(line.source) - len(line.source.lstrip())
    for word in line.words:
        yield {
            "text": line.source.lstrip()[word.char_start : word.char_end],
            "char_start": offset + word.char_start,
            "char_end": offset + word.char_end,
            "start_s": word.first_film_frame / FRAME_RATE_HZ,
            "end_s": word.end_film_frame / FRAME_RATE_HZ,
        }


def _ms(film_frame: int) -> int:
    return film_frame * 1000 // FRAME_RATE_HZ


def _ass_clock(film_frame: int) -> str:
    centiseconds = film_frame * 100 // FRAME_RATE_HZ
    seconds, rest = divmod(centiseconds, 100)
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:02d}"


def _ass_text(text: str) -> str:
    """Escaped the way libass reads it: a WORD JOINER after each backslash, a backslash before each brace."""
    return text.replace("\\", "\\" + _WORD_JOINER).replace("{", r"\{").replace("}", r"\}")


def _ass_karaoke(cue: Cue) -> str:
    """Lines whose words light up one after another; each word's time lasts until the next word starts."""
    starts = [word.first_film_frame for line in cue.lines for word in line.words]
    until = iter([*starts[1:], cue.end_film_frame])
    lead = rf"{{\k{_centiseconds(starts[0] - cue.first_film_frame)}}}" if starts else ""
    return lead + r"\N".join(_ass_karaoke_line(line, until) for line in cue.lines)


def _ass_karaoke_line(line: CueLine, until: Iterator[int]) -> str:
    ends = [*(word.char_start for word in line.words[1:]), len(line.text)]
    pieces = []
    position = 0
    for word, end in zip(line.words, ends, strict=False):
        frames = next(until) - word.first_film_frame
        pieces.append(rf"{{\k{_centiseconds(frames)}}}" + _ass_text(line.text[position:end]))
        position = end
    return "".join(pieces) or _ass_text(line.text)


def _centiseconds(frames: int) -> int:
    return frames * 100 // FRAME_RATE_HZ


def _ass_place(layout: CaptionLayout) -> str:
    left, top, right, bottom = layout.bounds_px
    x = {"left": left, "center": (left + right) / 2, "right": right}[layout.style["alignment"]]
    y = {"top": top, "middle": (top + bottom) / 2, "bottom": bottom}[layout.style["position"]["vertical"]]
    return rf"{{\pos({x:.0f},{y:.0f})}}"


def _ass_head(layout: CaptionLayout) -> Iterable[str]:
    style = layout.style
    left, _, right, _ = layout.bounds_px
    ascent, descent = layout.typeface.text_font.ascent_and_descent
    spoken, unspoken = style["highlight"]["color"], style["fill"]["color"]
    if style["highlight"]["mode"] == "none":
        spoken = unspoken
    boxed = style["box"]["mode"] != "none"
    values: dict[str, Any] = {
        "Name": "Caption",
        "Fontname": layout.typeface.text_font.family,
        # ASS sizes measure ascent plus descent, not the em.
        "Fontsize": round(layout.font_px * (ascent + descent), 1),
        "PrimaryColour": _ass_color(spoken),
        "SecondaryColour": _ass_color(unspoken),
        "OutlineColour": _ass_color(style["box"]["color"] if boxed else style["outline"]["color"]),
        "BackColour": _ass_color(style["shadow"]["color"]),
        "Bold": 0,
        "Italic": 0,
        "Underline": 0,
        "StrikeOut": 0,
        "ScaleX": 100,
        "ScaleY": 100,
        "Spacing": round(style["letter_spacing"] * layout.font_px, 1),
        "Angle": 0,
        "BorderStyle": 3 if boxed else 1,
        "Outline": round((style["box"]["padding_y"] if boxed else style["outline"]["width"]) * layout.font_px, 1),
        "Shadow": 0 if boxed else round(style["shadow"]["y"] * layout.font_px, 1),
        "Alignment": _ASS_ALIGNMENT[style["position"]["vertical"], style["alignment"]],
        "MarginL": round(left),
        "MarginR": round(layout.width - right),
        "MarginV": 0,
        "Encoding": 1,
    }
    return (
        "[Script Info]",
        "ScriptType: v4.00+",
        f"PlayResX: {layout.width}",
        f"PlayResY: {layout.height}",
        "WrapStyle: 2",
        "ScaledBorderAndShadow: yes",
        "",
        "[V4+ Styles]",
        "Format: " + ", ".join(values),
        "Style: " + ",".join(map(str, values.values())),
        "",
        "[Events]",
        "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text",
    )


def _ass_color(color: str) -> str:
    """&HAABBGGRR, where alpha 00 is opaque."""
    red, green, blue, alpha = color[1:3], color[3:5], color[5:7], color[7:9] or "FF"
    return f"&H{255 - int(alpha, 16):02X}{blue}{green}{red}".upper()
