"""What a text of a request may be, the same for every service that takes one."""

from __future__ import annotations

import unicodedata

from services.base.errors import InvalidInputError

LONGEST_TEXT = 1_000
"""Characters of one request: a long paragraph. Scripts are cut into sentences before they come here."""


def checked_text(text: str, field: str) -> str:
    """The text itself. Raises InvalidInputError when it is empty, too long or has control characters."""
    if not text.strip():
        raise InvalidInputError("The text is empty.", "Write words.", field, "NOTHING_TO_SAY")
    if len(text) > LONGEST_TEXT:
        raise InvalidInputError(
            f"The text has {len(text)} characters.", f"Send at most {LONGEST_TEXT} at once.", field, "TEXT_TOO_LONG"
        )
    for offset, char in enumerate(text):
        if unicodedata.category(char) == "Cc" and char not in "\t\n\r":
            raise InvalidInputError(
                f"Character {offset} is the control character U+{ord(char):04X}.",
                "Take it out.",
                field,
                "NOT_PLAIN_TEXT",
            )
    return text
