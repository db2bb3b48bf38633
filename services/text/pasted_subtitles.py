"""Scripts that are subtitle files (SubRip, WebVTT, SubViewer, SubStation Alpha, lyrics): times and styles go."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

Edit = tuple[int, int, str]
"""Characters [start, end) of a script and what stands for them."""

_TIME = r"(?:\d{1,3}:)?\d{1,2}:\d{2}[.,]\d{1,3}"
_CUE = re.compile(rf"^[ \t]*(?P<start>{_TIME})(?:[ \t]*-->[ \t]*|,)(?P<end>{_TIME}).*$", re.MULTILINE)
_NUMBER_OF_CUE = re.compile(r"(?<![^\n\ufeff])[ \t]*\d+[ \t]*\n\Z")
_NAME_OF_CUE = re.compile(r"(?:\n[ \t]*\n|\A)(?P<name>[^\n]+\n)\Z")
_VTT = re.compile(r"\A\ufeff?\s*WEBVTT(?![^\s])")
_VTT_BLOCK = re.compile(r"(?:\A\ufeff?\s*|\n[ \t]*\n)(?P<block>(?:WEBVTT|NOTE|STYLE|REGION)(?![^\s]).*(?:\n.*\S.*)*)")
_MARK = re.compile(r"</?[A-Za-z][^<>\n]*>|<\d[\d:.]*>|\{\\[^{}\n]*\}")
_INSIDE_CUE = re.compile(r"(?<=\S)[ \t]*\n[ \t]*(?=\S)")
_HAN = re.compile(r"[\u3000-\u9fff\uff00-\uffef]")
_LONGEST_NAME = 200

_ASS = re.compile(r"^Dialogue:[^,\n]*(?:,[^,\n]*){8,}", re.MULTILINE)
_ASS_CUE = re.compile(rf"^Dialogue:[^\n]*?(?P<start>{_TIME}),[ \t]*(?P<end>{_TIME}),", re.MULTILINE)
_ASS_FORMAT = re.compile(r"^\[Events\][^\[]*?^Format:(?P<fields>.*)$", re.MULTILINE)
_ASS_FIELDS = 10
_ASS_TEXT = re.compile(r"(?P<space>\\[Nnh])|\{[^{}\n]*\}")
_ASS_OTHERS = re.compile(
    r"^\[Script Info\](?:(?!^\[Events\]).*\n)*|^(?:\[[^\]\n]+\][ \t]*|;.*|(?:Format|Style|Comment):.*)$", re.MULTILINE
)

_LYRIC = re.compile(r"^(?:\[(?P<start>\d{1,3}:\d{2}[.:]\d{1,3})\][ \t]*)+", re.MULTILINE)
_OF_LYRICS = re.compile(r"^\[(?:ti|ar|al|au|by|re|ve|la|offset|length):[^\]\n]*\][ \t]*$", re.MULTILINE)


@dataclass(frozen=True)
class CueTime:
    """When a subtitle file shows what begins at a character of the script, in seconds."""

    char_start: int
    start_s: float
    end_s: float | None
    """None for lyrics, which do not say."""


def subtitle_times(script: str) -> Iterator[CueTime]:
    """The time of every cue of a subtitle file, in order; none for any other script. Lines end in U+000A."""
    cues = _ASS_CUE if _ASS.search(script) else _CUE if _CUE.search(script) else _LYRIC
    for cue in cues.finditer(script):
        end_s = _seconds(cue["end"]) if "end" in cues.groupindex else None
        yield CueTime(cue.start(), _seconds(cue["start"]), end_s)


def _seconds(time: str) -> float:
    """Of "1:02:03,500" and the like."""
    *clock, fraction = re.split("[:.,]", time)
    whole = 0
    for part in clock:
        whole = 60 * whole + int(part)
    return whole + float(f"0.{fraction}")


def subtitle_edits(script: str) -> Iterator[Edit]:
    """Edits that leave the words of a subtitle file; none for any other script. Lines end in U+000A."""
    if _ASS.search(script):
        yield from _of_ass(script)
    elif _CUE.search(script):
        yield from _of_cues(script)
    elif _LYRIC.search(script):
        yield from ((*mark.span(), "") for pattern in (_LYRIC, _OF_LYRICS) for mark in pattern.finditer(script))


def _of_cues(script: str) -> Iterator[Edit]:
    named = bool(_VTT.match(script))
    if named:
        yield from ((*block.span("block"), "") for block in _VTT_BLOCK.finditer(script))
    cues = list(_CUE.finditer(script))
    starts = [cue.start() - _label(script[max(0, cue.start() - _LONGEST_NAME) : cue.start()], named) for cue in cues]
    for cue, start, behind in zip(cues, starts, [*starts[1:], len(script)], strict=True):
        yield start, cue.end(), "\n"
        text = script[cue.end() : behind]
        yield from ((cue.end() + mark.start(), cue.end() + mark.end(), "") for mark in _MARK.finditer(text))
        for line_break in _INSIDE_CUE.finditer(text):
            around = text[line_break.start() - 1], text[line_break.end()]
            joint = "" if all(map(_HAN.match, around)) else " "
            yield cue.end() + line_break.start(), cue.end() + line_break.end(), joint


def _label(before: str, named: bool) -> int:
    """Length of the number or name of a cue at the end of what stands before it."""
    if number := _NUMBER_OF_CUE.search(before):
        return len(number[0])
    name = _NAME_OF_CUE.search(before) if named else None
    return len(name["name"]) if name else 0


def _of_ass(script: str) -> Iterator[Edit]:
    yield from ((*others.span(), "") for others in _ASS_OTHERS.finditer(script))
    form = _ASS_FORMAT.search(script)
    commas = (form["fields"].count(",") + 1 if form else _ASS_FIELDS) - 1
    for head in re.finditer(rf"^Dialogue:(?:[^,\n]*,){{{commas}}}", script, re.MULTILINE):
        yield *head.span(), ""
        for mark in _ASS_TEXT.finditer(script, head.end(), _end_of_line(script, head.end())):
            yield *mark.span(), " " if mark["space"] else ""


def _end_of_line(script: str, position: int) -> int:
    end = script.find("\n", position)
    return len(script) if end < 0 else end
