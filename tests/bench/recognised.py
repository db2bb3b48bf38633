"""Whether a Latin word was recognised in what a listener wrote down: by its letters, or by its sounds.

A listener of Chinese writes "派声" for "Python": nothing else was said, and whoever knows the word hears it. So what
was written in a word's place is compared by sounds too, with every word of the list. It was recognised if none of them
is as near to what was written, and no more than MOST_WRONG of its sounds are wrong.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import cache

from rapidfuzz.distance import Levenshtein, Opcode

from services.tts.engine import Synthesis
from services.tts.kokoro.letters import Accent
from services.tts.kokoro.reading import Reader

MOST_WRONG = 0.4
"""Share of the sounds of a word."""

_CLASSES = {
    "p": "pb",
    "t": "tdT",
    "k": "kɡ",
    "f": "fv",
    "s": "szθðʦʣ",
    "S": "ʂʃɕʨꭧʒʤʧʐ",
    "n": "nŋ",
    "l": "lɹɻɾ",
    "h": "hx",
    "u": "uʊwɔoOQ",
    "a": "aɑæʌɐIW",
    "e": "eəɛɜɚɤᵊA",
    "i": "iɪjyɥᵻɨ",
    "m": "m",
}
"""Sounds that Chinese does not keep apart in foreign words."""
_CLASS_OF = {letter: name for name, members in _CLASSES.items() for letter in members}


def by_letters(word: str, heard: str) -> bool:
    """Whether the letters of a word are in what was heard, however they are set apart."""
    return _letters(word) in _letters(heard)


def by_sounds(word: str, sentence: str, heard: str, words: Iterable[str]) -> bool:
    """Whether what was heard in the place of `word` in `sentence` sounds like it, and more so than like any other."""
    written = in_place_of(word, sentence, heard)
    unlike = unlikeness(word, written)
    return unlike <= MOST_WRONG and all(unlikeness(other, written) > unlike for other in words if other != word)


def in_place_of(word: str, sentence: str, heard: str) -> str:
    """What was heard between that which surrounds `word` in `sentence`."""
    start = sentence.index(word)
    return "".join(_part(edit, start, start + len(word), heard) for edit in Levenshtein.opcodes(sentence, heard))


def unlikeness(word: str, written: str) -> float:
    """Edits between the sounds of a word and those of what was written, for each sound of the word."""
    wanted = _sounds(word)
    return Levenshtein.distance(wanted, _sounds(written)) / len(wanted)


def _part(edit: Opcode, start: int, end: int, heard: str) -> str:
    """What an edit has for characters start..end: of what is equal the same characters, of what differs everything."""
    if edit.src_end < start or edit.src_start > end:
        return ""
    if edit.tag != "equal":
        return heard[edit.dest_start : edit.dest_end]
    shift = edit.dest_start - edit.src_start
    return heard[max(start, edit.src_start) + shift : min(end, edit.src_end) + shift]


@cache
def _sounds(text: str) -> str:
    """Classes of the sounds of a text as a Chinese voice reads it; doubled ones are one."""
    letters = Reader("zh", Accent.CHINESE).letters_of(Synthesis(text, language="zh"))
    classes = [_CLASS_OF[letter] for letter in letters if letter in _CLASS_OF]
    return "".join(one for one, before in zip(classes, ["", *classes], strict=False) if one != before)


def _letters(text: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFKC", text).casefold() if char.isalnum())
