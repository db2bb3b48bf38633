"""Pronunciations and pauses as messages of `vigent.media.v1`, and back."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from services.base.errors import InvalidInputError
from services.text.pauses import LONGEST_PAUSE_S, LONGEST_PAUSES_S, Pause
from services.text.plain_text import LONGEST_TEXT, control_character
from services.text.pronunciation import Pronunciation, ReadingKind
from vigent.media.v1 import media_pb2


def pronunciation_messages(pronunciations: Iterable[Pronunciation]) -> list[media_pb2.Pronunciation]:
    """The messages, in the same order."""
    return [
        media_pb2.Pronunciation(char_start=told.char_start, char_end=told.char_end, **{told.kind.value: told.reading})
        for told in pronunciations
    ]


def pause_messages(pauses: Iterable[Pause]) -> list[media_pb2.Pause]:
    """The messages, in the same order."""
    return [media_pb2.Pause(char=pause.char, duration_s=pause.duration_s) for pause in pauses]


def pronunciations_of(messages: Sequence[media_pb2.Pronunciation], text: str, field: str) -> tuple[Pronunciation, ...]:
    """The pronunciations. Raises InvalidInputError (BAD_PRONUNCIATION) for `field` if they do not fit the text."""
    end = 0
    for number, message in enumerate(messages):
        reading = message.WhichOneof("reading")
        said = getattr(message, reading) if reading else ""
        if not end <= message.char_start < message.char_end <= len(text):
            problem = f"Characters {message.char_start} to {message.char_end} are no stretch of the text after {end}."
            remedy = f"Give stretches in order and apart, within the {len(text)} characters of the text."
            raise InvalidInputError(problem, remedy, f"{field}[{number}]", "BAD_PRONUNCIATION")
        if not said.strip() or len(said) > LONGEST_TEXT or control_character(said) is not None:
            problem, remedy = "There is no reading.", "Give pinyin, ipa or words, in plain text."
            raise InvalidInputError(problem, remedy, f"{field}[{number}]", "BAD_PRONUNCIATION")
        end = message.char_end
    return tuple(
        Pronunciation(said.char_start, said.char_end, ReadingKind(kind), getattr(said, kind))
        for said in messages
        if (kind := said.WhichOneof("reading"))
    )


def pauses_of(messages: Sequence[media_pb2.Pause], text: str, field: str) -> tuple[Pause, ...]:
    """The pauses. Raises InvalidInputError (BAD_PAUSE) for `field` if one is too long or has no place in the text."""
    place = 0
    for number, message in enumerate(messages):
        if not place <= message.char <= len(text):
            problem = f"Place {message.char} is not in the text, or before {place}."
            remedy = f"Give places in order, from 0 to {len(text)}."
            raise InvalidInputError(problem, remedy, f"{field}[{number}].char", "BAD_PAUSE")
        if not 0 < message.duration_s <= LONGEST_PAUSE_S:  # also what is no number
            problem = f"A pause of {message.duration_s:g} seconds cannot be made."
            remedy = f"Give more than 0 and at most {LONGEST_PAUSE_S:g}."
            raise InvalidInputError(problem, remedy, f"{field}[{number}].duration_s", "BAD_PAUSE")
        place = message.char
    if (total := math.fsum(message.duration_s for message in messages)) > LONGEST_PAUSES_S:
        problem = f"The pauses take {total:g} seconds, the limit is {LONGEST_PAUSES_S:g}."
        raise InvalidInputError(problem, "Shorten them.", field, "BAD_PAUSE")
    return tuple(Pause(message.char, message.duration_s) for message in messages)
