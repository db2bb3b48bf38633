"""Whether a Latin word was recognised in what a listener wrote down: by its letters, or by its sounds.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import cache

from rapidfuzz.distance import Levenshtein

from services.tts.engine import Synthesis
from services.tts.kokoro.letters import Accent
from services.tts.kokoro.reading import Reader

MOST_WRONG = 0.25
"""Share of the sounds of a word."""

_CLASSES = {
    "p": "pb",
    "t": "tdT",
    "k": "kɡ",
    "f": "fv",
    "s": "szθðʦʣʂʃɕʨꭧʒʤʧʐ",
    "m": "m",
    "n": "nŋ",
    "l": "lɹɻɾ",
    "h": "hx",
    "u": "uʊoɔwOQ",
    "a": "aɑæʌɐIW",
    "e": "eəɛɜɚɤᵊA",
    "i": "iɪjyɥᵻɨ",
}
_CLASS_OF = {letter: name for name, members in _CLASSES.items() for letter in members}


def recognised(word: str, heard: str, words: Iterable[str]) -> bool:
    """Whether `word`, one of `words`, was recognised in `heard`."""
    return by_letters(word, heard) or by_sounds(word, heard, words)


def by_letters(word: str, heard: str) -> bool:
    """Whether the letters of a word are in what was heard, however they are set apart."""
    return _letters(word) in _letters(heard)


def by_sounds(word: str, heard: str, words: Iterable[str]) -> bool:
    """Whether something was heard that sounds like `word`, and less like all others of `words`."""
    like = unlikeness(word, heard)
    return like <= MOST_WRONG and all(unlikeness(other, heard) > like for other in words if other != word)


def unlikeness(word: str, heard: str) -> float:
    """Edits between the sounds of a word and those of the likest stretch of what was heard, for each of its sounds."""
    wanted, got = _sounds(word), _sounds(heard)
    lengths = range(max(1, len(wanted) - 2), len(wanted) + 3)
    stretches = {got[start : start + length] for length in lengths for start in range(max(1, len(got) - length + 1))}
    return min(Levenshtein.distance(wanted, stretch) for stretch in stretches) / len(wanted)


@cache
def _sounds(text: str) -> str:
    """Classes of the sounds of a text as a Chinese voice reads it; doubled ones are one."""
    letters = Reader("zh", Accent.CHINESE).letters_of(Synthesis(text, language="zh"))
    classes = [_CLASS_OF[letter] for letter in letters if letter in _CLASS_OF]
    return "".join(one for one, before in zip(classes, ["", *classes], strict=False) if one != before)


def _letters(text: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFKC", text).casefold() if char.isalnum())
