"""The text of a script as it was pasted: from Markdown, web pages, word processors or subtitle files."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

from services.text.markdown import inside_code, marks
from services.text.pasted_subtitles import Edit, subtitle_edits
from services.text.plain_text import LINE_BREAKS

_ONE_FOR_ONE = LINE_BREAKS | dict.fromkeys(map(ord, "\u00a0\u2007\u202f\u3000"), " ")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
# Soft hyphens, zero-width spaces, direction marks, byte order marks, placeholders of pictures; joiners, except in emoji
# and in scripts that need them.
_INVISIBLE = re.compile(
    "[\u00ad\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffc]"
    "|(?<=[\u0000-\u036f\u3000-\u9fff])[\u200c\u200d]|[\u200c\u200d](?=[\u0000-\u036f\u3000-\u9fff])"
)


@dataclass(frozen=True)
class SpokenText:
    """What a script says; character i of `text` stands for characters [offsets[i], ends[i]) of the script."""

    text: str
    offsets: tuple[int, ...]
    ends: tuple[int, ...]


def spoken_text(script: str) -> SpokenText:
    """Takes out marks of Markdown, cue times of subtitles and invisible characters, and decodes HTML entities.

    Line breaks of any kind become line feeds, spaces of any width become spaces.
    """
    plain = script.replace("\r\n", " \n").translate(_ONE_FOR_ONE)
    shown = list(plain)
    edited = [False] * len(plain)
    ends = list(range(1, len(plain) + 1))
    for start, end, text in _edits(plain):
        if start < end and not any(edited[start:end]):
            edited[start:end] = [True] * (end - start)
            shown[start:end] = [text, *[""] * (end - start - 1)]
            ends[start] = end
    places = [place for place, said in enumerate(shown) for _ in said]
    return SpokenText("".join(shown), tuple(places), tuple(ends[place] for place in places))


def _edits(script: str) -> Iterator[Edit]:
    """In order of precedence: where two overlap, the first counts."""
    code = inside_code(script)
    yield from subtitle_edits(script)
    yield from ((*match.span(), "") for match in _INVISIBLE.finditer(script))
    for entity in _ENTITY.finditer(script):
        if not any(code[entity.start() : entity.end()]) and (text := _decoded(entity[0])) != entity[0]:
            yield *entity.span(), text
    for start, end in marks(script):
        yield from ((place, place + 1, "") for place in range(start, end))


def _decoded(entity: str) -> str:
    text = html.unescape(entity).translate(_ONE_FOR_ONE)
    return "" if _INVISIBLE.fullmatch(text) or text == "\ufffd" else text
