"""A text as Kokoro's letters, punctuation included: hanzi by misaki, all other words by espeak-ng."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from services.espeak.reading import folded
from services.text.languages import WRITERS
from services.text.normalise import Reading, read_aloud
from services.text.pronunciation import Pronunciation, ReadingKind
from services.text.words import script_of
from services.tts.engine import Synthesis
from services.tts.kokoro.chinese import letters_of_hanzi, letters_of_pinyin
from services.tts.kokoro.latin import english, other
from services.tts.kokoro.letters import Accent, known_letters, letters_of_ipa

_MARKS = {
    **dict.fromkeys("、，,", ","),
    **dict.fromkeys("。．.\n", "."),
    **dict.fromkeys("！!", "!"),
    **dict.fromkeys("？?", "?"),
    **dict.fromkeys("；;", ";"),
    **dict.fromkeys("：:", ":"),
    **dict.fromkeys("—–", "—"),
    **dict.fromkeys("（(", " ("),
    **dict.fromkeys("）)", ")"),
    **dict.fromkeys("“«《「『【", " “"),
    **dict.fromkeys("”»》」』】", "”"),
    "…": "…",
}
_HAN = "\u3007\u3400-\u9fff\uf900-\ufaff"
_INSIDE_WORDS = ".,:"  # Node.js
_MARK = rf"[{re.escape(''.join(set(_MARKS) - set(_INSIDE_WORDS)))}]|[{_INSIDE_WORDS}](?![A-Za-z0-9])"
_PART = re.compile(rf"(?P<han>[{_HAN}]+)|(?P<mark>{_MARK})|(?P<words>(?:(?!{_MARK})[^{_HAN}])+)")
_ABBREVIATED = re.compile(r"\b(Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs)\.")
_STRAY_SPACE = re.compile(r"\s+(?=[,.!?;:…)”])|(?<=[(“])\s+")


@dataclass(frozen=True)
class Reader:
    """Reads texts in a `language` (primary subtag); `accent` is how it says English."""

    language: str
    accent: Accent = Accent.AMERICAN

    def letters_of(self, request: Synthesis) -> str:
        """Letters of a text with its own pronunciations; empty when nothing in it can be said."""
        reading = read_aloud(request.text, self.language, request.pronunciations)
        shouted = request.text.isupper() and not re.search(f"[{_HAN}]", request.text)
        letters = "".join(self._parts(reading, abbreviations=not shouted))
        return known_letters(_STRAY_SPACE.sub("", letters))

    def _parts(self, reading: Reading, *, abbreviations: bool) -> Iterator[str]:
        position = 0
        for told in reading.pronunciations:
            yield from self._written(reading.said[position : told.char_start], abbreviations)
            yield f" {self._told(told)} "
            position = told.char_end
        yield from self._written(reading.said[position:], abbreviations)

    def _written(self, said: str, abbreviations: bool) -> Iterator[str]:
        plain = _ABBREVIATED.sub(r"\1", "".join(map(folded, said)))
        for part in _PART.finditer(plain):
            if part["han"]:
                yield letters_of_hanzi(part["han"])
            elif part["mark"]:
                yield _MARKS[part["mark"]] + ("" if part["mark"] in "（(“«《「『【" else " ")
            else:
                yield f" {self._words(part['words'], abbreviations)} "

    def _words(self, words: str, abbreviations: bool) -> str:
        script = next((script for script in map(script_of, words) if script), "")
        if not script and not any(char.isalnum() for char in words):
            return ""
        writers = WRITERS.get(script, (self.language,))
        language = self.language if self.language in writers else writers[0]
        if language in ("en", "zh"):
            return english(words, self.accent, abbreviations=abbreviations)
        return other(words, language)

    def _told(self, pronunciation: Pronunciation) -> str:
        if pronunciation.kind is ReadingKind.PINYIN:
            return "".join(map(letters_of_pinyin, pronunciation.reading.split()))
        return letters_of_ipa(pronunciation.reading, self.accent)
