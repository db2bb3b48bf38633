"""From a render request to what the engine draws, every field checked."""

from __future__ import annotations

from collections.abc import Sequence

from services.overlay.engine import Corner, Cue, CueLine, CueWord, Label, OverlaySpec, Title
from services.runtime.errors import InvalidInputError
from services.runtime.plain_text import checked_text
from services.runtime.styles import parse_style
from vigent.overlay.v1 import overlay_pb2

MIN_SIDE_PX, MAX_SIDE_PX = 16, 8192
MAX_FRAME_RATE_HZ = 120
MAX_FRAMES = 2**40
MAX_CUES, MAX_LINES, MAX_WORDS, MAX_LABELS = 5_000, 8, 200, 8
MAX_LINE_CHARACTERS = 500
MAX_HEIGHT_SHARE = 0.3

_CORNERS = {
    overlay_pb2.CORNER_UNSPECIFIED: Corner.TOP_LEFT,
    overlay_pb2.CORNER_TOP_LEFT: Corner.TOP_LEFT,
    overlay_pb2.CORNER_TOP_RIGHT: Corner.TOP_RIGHT,
    overlay_pb2.CORNER_BOTTOM_LEFT: Corner.BOTTOM_LEFT,
    overlay_pb2.CORNER_BOTTOM_RIGHT: Corner.BOTTOM_RIGHT,
}


def overlay_spec(request: overlay_pb2.RenderRequest) -> OverlaySpec:
    """What `request` asks for, styles with defaults filled.

    Raises InvalidInputError naming the field: sizes, frame numbers, the order of cues and words, texts, styles.
    """
    _side("width", request.width)
    _side("height", request.height)
    _within("frame_rate_hz", request.frame_rate_hz, 1, MAX_FRAME_RATE_HZ)
    _within("first_film_frame", request.first_film_frame, 0, MAX_FRAMES)
    _within("frames", request.frames, 1, MAX_FRAMES)
    _at_most("cues", request.cues, MAX_CUES)
    _at_most("labels", request.labels, MAX_LABELS)
    cues = tuple(_cue(f"cues[{index}]", cue) for index, cue in enumerate(request.cues))
    _in_order(cues)
    return OverlaySpec(
        width=request.width,
        height=request.height,
        frame_rate_hz=request.frame_rate_hz,
        first_film_frame=request.first_film_frame,
        frames=request.frames,
        cues=cues,
        caption_style=parse_style(request.caption_style_json, "caption_style_json") if cues else {},
        title=_title(request.title) if request.HasField("title") else None,
        labels=tuple(_label(f"labels[{index}]", label) for index, label in enumerate(request.labels)),
    )


def _cue(field: str, cue: overlay_pb2.Cue) -> Cue:
    _span(field, cue.first_film_frame, cue.frames)
    _at_least_one(f"{field}.lines", cue.lines)
    _at_most(f"{field}.lines", cue.lines, MAX_LINES)
    lines = tuple(_line(f"{field}.lines[{index}]", line) for index, line in enumerate(cue.lines))
    return Cue(cue.first_film_frame, cue.frames, lines)


def _line(field: str, line: overlay_pb2.CueLine) -> CueLine:
    text = _text(f"{field}.text", line.text)
    _at_most(f"{field}.words", line.words, MAX_WORDS)
    words = []
    char, frame = 0, 0
    for index, word in enumerate(line.words):
        place = f"{field}.words[{index}]"
        _within(f"{place}.char_start", word.char_start, char, len(text) - 1)
        _within(f"{place}.char_end", word.char_end, word.char_start + 1, len(text))
        _within(f"{place}.first_film_frame", word.first_film_frame, frame, MAX_FRAMES)
        _within(f"{place}.end_film_frame", word.end_film_frame, word.first_film_frame, MAX_FRAMES)
        words.append(CueWord(word.char_start, word.char_end, word.first_film_frame, word.end_film_frame))
        char, frame = word.char_end, word.first_film_frame
    return CueLine(text, tuple(words))


def _title(title: overlay_pb2.Title) -> Title:
    _span("title", title.first_film_frame, title.frames)
    _at_least_one("title.lines", title.lines)
    _at_most("title.lines", title.lines, MAX_LINES)
    lines = tuple(_text(f"title.lines[{index}]", line) for index, line in enumerate(title.lines))
    return Title(lines, title.first_film_frame, title.frames, parse_style(title.style_json, "title.style_json"))


def _label(field: str, label: overlay_pb2.Label) -> Label:
    _span(field, label.first_film_frame, label.frames)
    if not 0 < label.height_share <= MAX_HEIGHT_SHARE:
        problem = f"A label cannot be {label.height_share:g} of the canvas high."
        raise InvalidInputError(problem, f"Give more than 0 and at most {MAX_HEIGHT_SHARE:g}.", f"{field}.height_share")
    if label.corner not in _CORNERS:
        raise InvalidInputError(f"{label.corner} is no corner.", "Give 1 to 4.", f"{field}.corner")
    text = _text(f"{field}.text", label.text)
    return Label(text, label.first_film_frame, label.frames, label.height_share, _CORNERS[label.corner])


def _in_order(cues: Sequence[Cue]) -> None:
    end = 0
    for index, cue in enumerate(cues):
        if cue.first_film_frame < end:
            problem = f"The cue starts at film frame {cue.first_film_frame}, before the one before it ends ({end})."
            raise InvalidInputError(
                problem, "Give cues in order that do not overlap.", f"cues[{index}]", "CUES_OVERLAP"
            )
        end = cue.first_film_frame + cue.frames


def _span(field: str, first_film_frame: int, frames: int) -> None:
    _within(f"{field}.first_film_frame", first_film_frame, 0, MAX_FRAMES)
    _within(f"{field}.frames", frames, 1, MAX_FRAMES)


def _text(field: str, text: str) -> str:
    if len(text) > MAX_LINE_CHARACTERS:
        problem = f"The line has {len(text):,} characters, the limit is {MAX_LINE_CHARACTERS}."
        raise InvalidInputError(problem, "Break it into several lines.", field, "TEXT_TOO_LONG")
    if "\n" in text or "\t" in text:
        raise InvalidInputError("A line has a line break or a tab in it.", "Give one entry a line.", field)
    return checked_text(text, field)


def _side(field: str, pixels: int) -> None:
    if not MIN_SIDE_PX <= pixels <= MAX_SIDE_PX or pixels % 2:
        remedy = f"Give an even number from {MIN_SIDE_PX} to {MAX_SIDE_PX}."
        raise InvalidInputError(f"A canvas cannot have {pixels} pixels.", remedy, field)


def _within(field: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise InvalidInputError(f"{value} is out of range.", f"Give {least} to {most}.", field)


def _at_most(field: str, items: Sequence[object], most: int) -> None:
    if len(items) > most:
        raise InvalidInputError(f"There are {len(items):,} entries, the limit is {most:,}.", "Send fewer.", field)


def _at_least_one(field: str, items: Sequence[object]) -> None:
    if not items:
        raise InvalidInputError("There is no entry.", "Give at least one.", field)
