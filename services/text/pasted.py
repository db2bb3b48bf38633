"""The text of a script as it was pasted: from Markdown, web pages, word processors or subtitle files."""

from __future__ import annotations

import html
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from services.text.markdown import inside_code, marks, mask
from services.text.notation.spoken_marks import SpokenMark, spoken_marks
from services.text.pasted_subtitles import CueTime, Edit, subtitle_edits, subtitle_times
from services.text.pauses import Pause
from services.text.plain_text import LINE_BREAKS
from services.text.pronunciation import Pronunciation

_ONE_FOR_ONE = LINE_BREAKS | dict.fromkeys(map(ord, "\u00a0\u2007\u202f\u3000"), " ")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
# Soft hyphens, zero-width spaces, direction marks, byte order marks, placeholders of pictures; joiners, except in emoji
# and in scripts that need them.
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffc]"
    "|(?<=[\u0000-\u036f\u3000-\u9fff])[\u200c\u200d]|[\u200c\u200d](?=[\u0000-\u036f\u3000-\u9fff])"
)


@dataclass(frozen=True)
class SpokenText:
    """What a script says; character i of `text` stands for characters [offsets[i], ends[i]) of the script.

    `pronunciations` and `pauses` are those that its marks make, with places in `text`.
    """

    text: str
    offsets: tuple[int, ...]
    ends: tuple[int, ...]
    pronunciations: tuple[Pronunciation, ...] = ()
    pauses: tuple[Pause, ...] = ()


def spoken_text(script: str) -> SpokenText:
    """Takes out marks of speech and Markdown, cue times of subtitles and invisible characters; decodes HTML entities.

    Line breaks of any kind become line feeds, spaces of any width become spaces. Raises InvalidInputError as
    `spoken_marks` does.
    """
    plain = _plain(script)
    subtitles = list(subtitle_edits(plain))
    said = spoken_marks(plain, mask(plain, ((start, end) for start, end, _ in subtitles), inside_code(plain)))
    shown = list(plain)
    edited = [False] * len(plain)
    ends = list(range(1, len(plain) + 1))
    for start, end, text in (*subtitles, *_edits(plain, said)):
        if start < end and not any(edited[start:end]):
            edited[start:end] = [True] * (end - start)
            shown[start:end] = [text, *[""] * (end - start - 1)]
            ends[start] = end
    places = [place for place, said in enumerate(shown) for _ in said]
    places_after = tuple(ends[place] for place in places)
    return SpokenText("".join(shown), tuple(places), places_after, _told(said, places), _pauses(said, places))


def without_invisible(text: str) -> str:
    """The text without soft hyphens, marks that turn the writing around them, and others that nobody sees."""
    return _INVISIBLE.sub("", text)


def cue_times(script: str) -> list[CueTime]:
    """When each cue of a pasted subtitle file is shown; empty for any other script."""
    return list(subtitle_times(_plain(script)))


def _plain(script: str) -> str:
    """As long as the script, with line feeds for all line breaks and spaces of one width."""
    return script.replace("\r\n", " \n").translate(_ONE_FOR_ONE)


def _told(said: Iterable[SpokenMark], places: Sequence[int]) -> tuple[Pronunciation, ...]:
    words = (
        Pronunciation(bisect_left(places, mark.word_start), bisect_left(places, mark.word_end), mark.kind, mark.reading)
        for mark in said
        if mark.reading
    )
    return tuple(word for word in words if word.char_start < word.char_end)


def _pauses(said: Iterable[SpokenMark], places: Sequence[int]) -> tuple[Pause, ...]:
    return tuple(Pause(bisect_left(places, mark.start), mark.pause_s) for mark in said if mark.pause_s)


def _edits(script: str, said: Iterable[SpokenMark]) -> Iterator[Edit]:
    """In order of precedence: where two overlap, the first counts."""
    code = inside_code(script)
    for mark in said:
        yield mark.start, mark.word_start, mark.shown
        yield mark.word_end, mark.end, ""
    yield from ((*match.span(), "") for match in _INVISIBLE.finditer(script))
    for entity in _ENTITY.finditer(script):
        if not any(code[entity.start() : entity.end()]) and (text := _decoded(entity[0])) != entity[0]:
            yield *entity.span(), text
    for start, end in marks(script):
        yield from ((place, place + 1, "") for place in range(start, end))


def _decoded(entity: str) -> str:
    text = html.unescape(entity).translate(_ONE_FOR_ONE)
    return "" if _INVISIBLE.fullmatch(text) or text == "\ufffd" else text
