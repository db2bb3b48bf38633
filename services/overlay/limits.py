"""What can be drawn: sizes, frame numbers, the order of cues and words, texts."""

from __future__ import annotations

from collections.abc import Sequence

from services.base.errors import InvalidInputError
from services.overlay.engine import Cue, CueLine, Label, OverlaySpec, Title
from services.text.plain_text import checked_text

MIN_SIDE_PX, MAX_SIDE_PX = 16, 8192
MAX_FRAME_RATE_HZ = 120
MAX_FRAMES = 2**40
MAX_CUES, MAX_LINES, MAX_WORDS, MAX_LABELS = 5_000, 8, 200, 8
MAX_LINE_CHARACTERS = 500
MAX_HEIGHT_SHARE = 0.3


def check_spec(spec: OverlaySpec) -> None:
    """Raises InvalidInputError naming the field of the request that cannot be drawn; styles are checked already."""
    _side("width", spec.width)
    _side("height", spec.height)
    _within("frame_rate_hz", spec.frame_rate_hz, 1, MAX_FRAME_RATE_HZ)
    _span("", spec.first_film_frame, spec.frames)
    _at_most("cues", spec.cues, MAX_CUES)
    _at_most("labels", spec.labels, MAX_LABELS)
    for index, cue in enumerate(spec.cues):
        _cue(f"cues[{index}]", cue)
    _in_order(spec.cues)
    for index, label in enumerate(spec.labels):
        _label(f"labels[{index}]", label)
    if spec.title:
        _title(spec.title)


def _cue(field: str, cue: Cue) -> None:
    _span(f"{field}.", cue.first_film_frame, cue.frames)
    _some(f"{field}.lines", cue.lines)
    for index, line in enumerate(cue.lines):
        _line(f"{field}.lines[{index}]", line)


def _line(field: str, line: CueLine) -> None:
    _text(f"{field}.text", line.text)
    _at_most(f"{field}.words", line.words, MAX_WORDS)
    char, frame = 0, 0
    for index, word in enumerate(line.words):
        place = f"{field}.words[{index}]"
        _within(f"{place}.char_start", word.char_start, char, len(line.text) - 1)
        _within(f"{place}.char_end", word.char_end, word.char_start + 1, len(line.text))
        _within(f"{place}.first_film_frame", word.first_film_frame, frame, MAX_FRAMES)
        _within(f"{place}.end_film_frame", word.end_film_frame, word.first_film_frame, MAX_FRAMES)
        char, frame = word.char_end, word.first_film_frame


def _title(title: Title) -> None:
    _span("title.", title.first_film_frame, title.frames)
    _some("title.lines", title.lines)
    for index, line in enumerate(title.lines):
        _text(f"title.lines[{index}]", line)


def _label(field: str, label: Label) -> None:
    _span(f"{field}.", label.first_film_frame, label.frames)
    _text(f"{field}.text", label.text)
    if not 0 < label.height_share <= MAX_HEIGHT_SHARE:
        problem = f"A label cannot be {label.height_share:g} of the canvas high."
        raise InvalidInputError(problem, f"Give more than 0 and at most {MAX_HEIGHT_SHARE:g}.", f"{field}.height_share")


def _in_order(cues: Sequence[Cue]) -> None:
    end = 0
    for index, cue in enumerate(cues):
        if cue.first_film_frame < end:
            problem = f"The cue starts at film frame {cue.first_film_frame}, before the previous one ends ({end})."
            remedy = "Give cues in order that do not overlap."
            raise InvalidInputError(problem, remedy, f"cues[{index}]", "CUES_OVERLAP")
        end = cue.first_film_frame + cue.frames


def _span(prefix: str, first_film_frame: int, frames: int) -> None:
    _within(f"{prefix}first_film_frame", first_film_frame, 0, MAX_FRAMES)
    _within(f"{prefix}frames", frames, 1, MAX_FRAMES)


def _text(field: str, text: str) -> None:
    if len(text) > MAX_LINE_CHARACTERS:
        problem = f"The line has {len(text):,} characters, the limit is {MAX_LINE_CHARACTERS}."
        raise InvalidInputError(problem, "Break it into several lines.", field, "TEXT_TOO_LONG")
    if "\n" in text or "\t" in text:
        raise InvalidInputError("A line has a line break or a tab in it.", "Give one entry per line.", field)
    checked_text(text, field)


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


def _some(field: str, lines: Sequence[object]) -> None:
    if not lines:
        raise InvalidInputError("There is no line.", "Give at least one.", field)
    _at_most(field, lines, MAX_LINES)
