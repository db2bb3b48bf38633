"""What a maker writes as the reading of a word: pinyin with tones, IPA between slashes, or other words."""

from __future__ import annotations

import re
import unicodedata

from services.base.errors import InvalidInputError
from services.text.notation.pinyin import has_tones, looks_like_pinyin, syllables_of
from services.text.plain_text import control_character
from services.text.pronunciation import ReadingKind
from services.text.tokens import HAN
from services.text.words import says_something

LONGEST_WORD, LONGEST_READING = 50, 100

_HANZI = re.compile(f"[{HAN}]+")
_IPA_LETTERS = (
    "abcdefghijklmnopqrstuvwxyzæçðøħŋœǀǁǂǃɐɑɒɓɔɕɖɗɘəɚɛɜɝɞɟɠɡɢɣɤɥɦɧɨɪɫɬɭɮɯɰɱɲɳɴɵɶɸɹɺɻɽɾʀʁʂʃʄʈʉʊʋʌʍʎʏʐʑʒʔʕʘʙʛʜʝʟʡʢβθχʦʣʧʤ"
)
_IPA_MARKS = "ˈˌːˑ.‿ ʰʷʲˠˤⁿˡ˞\u0303\u0325\u032a\u0329\u032f\u030a\u0361\u035c\u0306\u031a\u0324\u0330\u032c"
_IPA_TYPED = str.maketrans({"'": "ˈ", "’": "ˈ", ",": "ˌ", ":": "ː", "g": "ɡ"})
_HELP = (
    'Write pinyin with tones ("chóng qìng" or "chong2 qing4"), IPA between slashes ("/ˈkjuːb/"), or other words to be '
    "read in its place."
)


def reading_of(word: str, reading: str, field: str) -> tuple[ReadingKind, str]:
    """The kind of a reading, and the reading as `Pronunciation` has it.

    Raises InvalidInputError for `field`: BAD_WORD or BAD_READING, naming both.
    """
    word, reading = word.strip(), reading.strip()
    _check(word, reading, field)
    if reading.startswith("/"):
        return ReadingKind.IPA, _ipa(word, reading, field)
    hanzi = bool(_HANZI.fullmatch(word))
    syllables = syllables_of(reading, len(word) if hanzi else 0)
    if syllables and has_tones(reading):
        return ReadingKind.PINYIN, " ".join(syllables)
    if hanzi and looks_like_pinyin(reading):
        raise _no_pinyin(word, reading, field)
    return ReadingKind.WORDS, re.sub(r"\s+", " ", reading)


def _check(word: str, reading: str, field: str) -> None:
    if not says_something(word) or len(word) > LONGEST_WORD or control_character(word) is not None or "\n" in word:
        problem = f"{word[:LONGEST_WORD]!r} is no word that can be given a reading."
        remedy = f"Give a word or a few, at most {LONGEST_WORD} characters, with a letter or a digit."
        raise InvalidInputError(problem, remedy, field, "BAD_WORD")
    if len(reading) > LONGEST_READING:
        problem = f"The reading of {word!r} has {len(reading)} characters, the limit is {LONGEST_READING}."
        raise InvalidInputError(problem, "Shorten it.", field, "BAD_READING")
    if not says_something(reading) or control_character(reading) is not None:
        raise InvalidInputError(f"The reading {reading!r} of {word!r} says nothing.", _HELP, field, "BAD_READING")


def _ipa(word: str, reading: str, field: str) -> str:
    inside = reading.strip("/")
    if reading != f"/{inside}/":
        problem = f"The reading {reading!r} of {word!r} begins with a slash and does not end with one."
        raise InvalidInputError(problem, f"Write /{inside}/.", field, "BAD_READING")
    told = unicodedata.normalize("NFD", inside).translate(_IPA_TYPED).replace("c\u0327", "ç")
    if wrong := next((char for char in told if char not in _IPA_LETTERS and char not in _IPA_MARKS), ""):
        problem = f"{wrong!r} in the reading {reading!r} of {word!r} is no symbol of IPA."
        raise InvalidInputError(problem, "Write it as a dictionary does, such as /ˈkjuːb/.", field, "BAD_READING")
    return unicodedata.normalize("NFC", told.strip())


def _no_pinyin(word: str, reading: str, field: str) -> InvalidInputError:
    many = f"{len(word)} syllables" if len(word) > 1 else "one syllable"
    problem = f"{reading!r} is no pinyin of {many} with tones, as {word!r} has."
    return InvalidInputError(problem, _HELP, field, "BAD_READING")
