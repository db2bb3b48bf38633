"""The script as sentences. One sentence becomes one segment of film."""

from __future__ import annotations

import re
from bisect import bisect, bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate

from uniseg.linebreak import line_break_boundaries

from services.base.errors import InvalidInputError
from services.text.notation.spoken_marks import FIELD
from services.text.pasted import SpokenText, spoken_text
from services.text.pauses import LONGEST_PAUSES_S, Pause
from services.text.plain_text import control_character
from services.text.pronunciation import Pronunciation
from services.text.tokens import HAN, protected_spans
from services.text.words import says_something

MAX_SCRIPT_CHARACTERS = 20_000
MAX_SENTENCE_UNITS = 300
"""Longest sentence: a Han character counts 3, any other 1 (100 Han or 300 Latin characters, some 25 s of speech).
Voices lose words in longer ones."""

_HAN_CHARACTER = re.compile(f"[{HAN}]")
_CLOSING = "\"'”’」』）)】》〉〕]}"
_END = re.compile(rf"(?:[。！？!?…．]+|\.+)[{re.escape(_CLOSING)}]*")
_OPENING = "\"'“‘「『（(【《〈〔[{"
_ABBREVIATION = re.compile(
    r"(?:^|[^A-Za-z])(?:Mr|Mrs|Ms|Dr|Prof|Sr|Jr|St|Mt|Gen|Col|Capt|Lt|Sgt|Rev|Hon|vs|e\.g|i\.e|cf|al|approx|U\.S|U\.K|[A-HJ-Z])$"
)
_ABBREVIATION_OF_NUMBER = re.compile(
    r"(?:^|[^A-Za-z])(?:[Ff]ig|[Nn]o|[Vv]ol|pp?|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)$"
)
_NUMBERED = re.compile(r"(?:^|\n)\s*\d{1,3}$")
_MIN_CHARACTERS_BEFORE_ELLIPSIS = 4
_CLAUSE_END = re.compile(r"[，,；;：:、—–]+\s*")
_CONTEXT_CHARACTERS = 40
"""How far around a mark its meaning is sought; keeps the work linear in the script."""


@dataclass(frozen=True)
class Sentence:
    """What one segment says: `text` without marks, from characters [char_start, char_end) of the script.

    `pronunciations` and `pauses` have their places in `text`.
    """

    text: str
    char_start: int
    char_end: int
    pronunciations: tuple[Pronunciation, ...] = ()
    pauses: tuple[Pause, ...] = ()


def split_script(script: str) -> list[Sentence]:
    """Sentences of a script in order. Every character but marks (see `spoken_text`) and white space is in one.

    A line break ends a sentence, as does the end of a Chinese or an English one. Sentences beyond MAX_SENTENCE_UNITS
    are divided at commas, or else where a line may break (UAX #14), never inside a protected token.
    A pause is the end of the sentence before it. Raises InvalidInputError for the field "spec.script": EMPTY,
    TEXT_TOO_LONG, CONTROL_CHARACTER, NOTHING_TO_SAY, TOKEN_TOO_LONG, PAUSE_TOO_LONG, and as `spoken_text` does.
    """
    _check(script)
    spoken = spoken_text(script)
    parts = [part for whole in sentence_ranges(spoken.text) for part in _divided(spoken.text, *whole)]
    ranges = _joined_with_silent(spoken.text, parts)
    if not ranges:
        problem = "The script has only punctuation or emoji: there is nothing to say."
        raise InvalidInputError(problem, "Write some words.", FIELD, "NOTHING_TO_SAY")
    pauses: list[list[Pause]] = [[] for _ in ranges]
    starts = [start for start, _ in ranges]
    for pause in spoken.pauses:
        pauses[max(0, bisect_left(starts, pause.char) - 1)].append(pause)
    return [_sentence(spoken, *span, own) for span, own in zip(ranges, pauses, strict=True)]


def language_of(text: str) -> str:
    """BCP 47 language by the letters: "zh" where there is a Han character, else "en"."""
    return "zh" if _HAN_CHARACTER.search(text) else "en"


def language_to_say(text: str, asked: str, script: str) -> str:
    """BCP 47 language for a sentence: the one asked for, or "" if its letters tell the voice.

    A sentence without letters ("3.5%") is in the language of its script.
    """
    return asked or ("" if any(map(str.isalpha, text)) else language_of(script))


def _check(script: str) -> None:
    if not script.strip():
        raise InvalidInputError("The script is empty.", "Write what the presenter is to say.", FIELD, "EMPTY")
    if len(script) > MAX_SCRIPT_CHARACTERS:
        problem = f"The script has {len(script):,} characters, the limit is {MAX_SCRIPT_CHARACTERS:,}."
        raise InvalidInputError(problem, "Split it into several films.", FIELD, "TEXT_TOO_LONG")
    if (position := control_character(script)) is not None:
        problem = f"The script has the control character U+{ord(script[position]):04X} at position {position}."
        raise InvalidInputError(problem, "Remove it.", FIELD, "CONTROL_CHARACTER")


def _sentence(spoken: SpokenText, start: int, end: int, pauses: list[Pause]) -> Sentence:
    part = spoken.text[start:end]
    places = [place.start() + start for place in re.finditer(r"\s+|\S", part)]
    text = "".join(" " if spoken.text[place].isspace() else spoken.text[place] for place in places)

    def at(place: int) -> int:
        return bisect_left(places, place)

    return Sentence(
        text,
        spoken.offsets[start],
        spoken.ends[end - 1],
        tuple(
            replace(said, char_start=at(said.char_start), char_end=at(said.char_end))
            for said in spoken.pronunciations
            if start <= said.char_start < said.char_end <= end
        ),
        tuple(replace(pause, char=at(pause.char)) for pause in _bounded(pauses, text)),
    )


def _bounded(pauses: list[Pause], text: str) -> list[Pause]:
    if (total := sum(pause.duration_s for pause in pauses)) > LONGEST_PAUSES_S:
        problem = (
            f"The pauses of one sentence take {total:g} seconds, the limit is {LONGEST_PAUSES_S:g}: {text[:40]!r}."
        )
        raise InvalidInputError(problem, "Shorten them, or put words between them.", FIELD, "PAUSE_TOO_LONG")
    return pauses


def sentence_ranges(text: str) -> Iterator[tuple[int, int]]:
    """Ranges between sentence ends, without the white space around them."""
    start = 0
    for end in [*_sentence_ends(text), len(text)]:
        yield from _stripped(text, start, end)
        start = end


def _stripped(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    inner = text[start:end].strip()
    if inner:
        first = start + text[start:end].index(inner)
        yield first, first + len(inner)


def _sentence_ends(text: str) -> list[int]:
    inside = {position for start, end in protected_spans(text) for position in range(start + 1, end)}
    ends = {match.start() for match in re.finditer(r"[\n\r]", text)}
    ends.update(
        match.end() for match in _END.finditer(text) if match.end() not in inside and _ends_sentence(text, match)
    )
    return sorted(ends)


def _ends_sentence(text: str, match: re.Match[str]) -> bool:
    mark, after = match[0], text[match.end() : match.end() + _CONTEXT_CHARACTERS]
    line_start = text.rfind("\n", 0, match.start()) + 1
    before = text[max(line_start, match.start() - _CONTEXT_CHARACTERS) : match.start()]
    if "…" in mark and not re.search("[。！？!?]", mark):
        return len(before.strip()) >= _MIN_CHARACTERS_BEFORE_ELLIPSIS and not after[:1].islower()
    if mark == "．" and before[-1:].isdigit():  # 3．5, or a numbered list
        return not after[:1].isdigit() and not _NUMBERED.search(before)
    if re.search("[。！？．]", mark):
        return True
    if not after[:1].isspace():
        return not after or _starts_at_once(mark, before, after)
    following = after.lstrip().lstrip(_OPENING)
    if following[:1].islower():
        return False
    return not mark.startswith(".") or mark.startswith("..") or not _is_abbreviation(before, following)


def _starts_at_once(mark: str, before: str, after: str) -> bool:
    """Whether a Chinese sentence follows an ASCII mark without a space."""
    numbered = mark.startswith(".") and before[-1:].isdigit()
    return not numbered and bool(_HAN_CHARACTER.match(after.lstrip(_OPENING)))


def _is_abbreviation(before: str, following: str) -> bool:
    if _ABBREVIATION_OF_NUMBER.search(before):
        return following[:1].isdigit()
    return bool(_ABBREVIATION.search(before) or _NUMBERED.search(before))


def _joined_with_silent(text: str, ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Joins ranges of nothing but marks and emoji to the sentence before, or the first ones to the sentence after."""
    joined: list[tuple[int, int]] = []
    silent_start: int | None = None
    for start, end in ranges:
        if says_something(text[start:end]):
            joined.append((start if silent_start is None else silent_start, end))
            silent_start = None
        elif joined:
            joined[-1] = (joined[-1][0], end)
        elif silent_start is None:
            silent_start = start
    return joined


def _divided(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Halves of halves until none is too long."""
    part = text[start:end]
    units = [0, *accumulate(3 if _HAN_CHARACTER.match(character) else 1 for character in part)]
    if units[-1] <= MAX_SENTENCE_UNITS or not says_something(part):
        yield start, end
        return
    cut = start + _best_cut(part, units)
    for first, last in ((start, cut), (cut, end)):
        for half in _stripped(text, first, last):
            yield from _divided(text, *half)


def _best_cut(text: str, units: list[int]) -> int:
    """The clause end nearest the middle if one is in the middle half, else the nearest place where a line may break."""
    spans = protected_spans(text)
    inside = {position for start, end in spans for position in range(start + 1, end)}
    quarter, middle, last_quarter = (bisect(units, units[-1] * share / 4) for share in (1, 2, 3))
    clauses = [match.end() for match in _CLAUSE_END.finditer(text, quarter, last_quarter)]
    if allowed := [place for place in clauses if place not in inside]:
        return min(allowed, key=lambda place: abs(place - middle))
    for reach in (_CONTEXT_CHARACTERS, len(text)):
        first, last = max(0, middle - reach), middle + reach
        places = [first + place for place in line_break_boundaries(text[first:last])][:-1]
        if allowed := [place for place in places if 0 < place < len(text) and place not in inside]:
            return min(allowed, key=lambda place: abs(place - middle))
    longest = max((text[start:end] for start, end in spans), key=len, default=text)
    problem = f"The script has a word of {len(longest):,} characters: {longest[:40]}..."
    raise InvalidInputError(problem, "Shorten it or put spaces into it.", FIELD, "TOKEN_TOO_LONG")
