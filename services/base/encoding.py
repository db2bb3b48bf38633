"""Names and arguments that the encoding of the locale cannot decode: Python keeps their bytes as surrogates."""

from __future__ import annotations

import sys

from services.base.errors import InvalidInputError


def check_decoded(text: str, what: str, field: str = "") -> None:
    """Raises InvalidInputError for text in which Python has kept bytes as surrogates (PEP 383)."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        known = text.encode(errors="surrogateescape").decode(errors="replace")
        problem = f"{what} {known!r} is not text in {sys.getfilesystemencoding()}, the encoding of your locale."
        remedy = "Set PYTHONUTF8=1, or a UTF-8 locale such as LC_ALL=C.UTF-8."
        raise InvalidInputError(problem, remedy, field, "NOT_DECODED") from error
