"""What the text of a request may contain, the same for every service that takes one."""

from __future__ import annotations

import unicodedata

from services.base.errors import InvalidInputError

LONGEST_TEXT = 1_000
"""Characters of one request: a long paragraph. Scripts are cut into sentences before they come here."""

LINE_BREAKS = dict.fromkeys(map(ord, "\v\f\r\x85\u2028\u2029"), "\n")
"""The mandatory breaks of UAX #14, as `str.translate` takes them: Word pastes VT, PDF FF, web pages the others."""


def checked_text(text: str, field: str) -> str:
    """The text, with line feeds for all line breaks.

    Raises InvalidInputError when it is empty, too long or has control characters.
    """
    if not text.strip():
        raise InvalidInputError("The text is empty.", "Write words.", field, "NOTHING_TO_SAY")
    if len(text) > LONGEST_TEXT:
        raise InvalidInputError(
            f"The text has {len(text)} characters.", f"Send at most {LONGEST_TEXT} at once.", field, "TEXT_TOO_LONG"
        )
    if (offset := control_character(text)) is not None:
        problem = f"Character {offset} is the control character U+{ord(text[offset]):04X}."
        raise InvalidInputError(problem, "Take it out.", field, "NOT_PLAIN_TEXT")
    return text.translate(LINE_BREAKS)


def control_character(text: str) -> int | None:
    """Place of the first character that is not text: a lone surrogate, or a control other than a tab or line break."""
    for offset, char in enumerate(text):
        if unicodedata.category(char) in {"Cc", "Cs"} and char not in "\t\n" and ord(char) not in LINE_BREAKS:
            return offset
    return None
