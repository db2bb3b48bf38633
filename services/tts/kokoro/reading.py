"""A text as Kokoro's letters, punctuation included: hanzi by misaki, all other words by espeak-ng."""

from __future__ import annotations

import re

from services.espeak.reading import stretches_of
from services.tts.kokoro.chinese import letters_of_hanzi
from services.tts.kokoro.latin import english, other
from services.tts.kokoro.letters import known_letters

_MARKS = {
    **dict.fromkeys("、，,", ","),
    **dict.fromkeys("。．.\n", "."),
    **dict.fromkeys("！!", "!"),
    **dict.fromkeys("？?", "?"),
    **dict.fromkeys("；;", ";"),
    **dict.fromkeys("：:", ":"),
    **dict.fromkeys("—–", "—"),
    **dict.fromkeys("（(", "("),
    **dict.fromkeys("）)", ")"),
    **dict.fromkeys("“«《「『【", "“"),
    **dict.fromkeys("”»》」』】", "”"),
    "…": "…",
}
_HAN = "\u3007\u3400-\u9fff\uf900-\ufaff"
_INSIDE_WORDS = ".,:"  # Node.js
_MARK = rf"[{re.escape(''.join(set(_MARKS) - set(_INSIDE_WORDS)))}]|[{_INSIDE_WORDS}](?![A-Za-z0-9])"
_PART = re.compile(rf"(?P<han>[{_HAN}]+)|(?P<mark>{_MARK})|(?P<words>(?:(?!{_MARK})[^{_HAN}])+)")
_ABBREVIATED = re.compile(r"\b(Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs)\.")
_SPACE_BEFORE_MARK = re.compile(r"\s+(?=[,.!?;:…)”])")


def letters_of(text: str, language: str, *, british: bool = False) -> str:
    """Letters of a text in a `language` (primary subtag); empty when nothing in it can be said."""
    shouted = text.isupper() and not re.search(f"[{_HAN}]", text)
    letters = "".join(
        _letters(part, run.language, british=british, abbreviations=not shouted)
        for run in stretches_of(text, language)
        for part in _PART.finditer(_ABBREVIATED.sub(r"\1", run.said))
    )
    return known_letters(_SPACE_BEFORE_MARK.sub("", letters))


def _letters(part: re.Match[str], language: str, *, british: bool, abbreviations: bool) -> str:
    if part["han"]:
        return letters_of_hanzi(part["han"])
    if part["mark"]:
        return _MARKS[part["mark"]] + " "
    words = part["words"]
    if not any(char.isalnum() for char in words):
        return " "
    if language in ("en", "zh"):
        return f" {english(words, british=british, abbreviations=abbreviations)} "
    return f" {other(words, language)} "
