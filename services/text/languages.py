"""Languages as BCP 47 tags name them, and as their letters reveal them."""

from __future__ import annotations

from collections import Counter

from services.text.words import script_of, words_of

WRITERS = {
    "CJK": ("zh", "yue", "hak"),
    "IDEOGRAPHIC": ("zh", "yue", "hak", "ja"),
    "HIRAGANA": ("ja",),
    "KATAKANA": ("ja",),
    "HANGUL": ("ko",),
    "CYRILLIC": ("ru", "uk", "be", "bg", "sr", "mk", "kk", "ky", "tt", "ba", "cv", "uz", "az"),
    "GREEK": ("el", "grc"),
    "ARABIC": ("ar", "fa", "ur", "ug", "sd", "ku"),
    "HEBREW": ("he",),
    "DEVANAGARI": ("hi", "mr", "ne", "kok"),
    "THAI": ("th",),
}
"""Languages that write a script, the likeliest first. Latin is not here: every voice of espeak's reads it."""

_WORDS_A_CHARACTER = {"CJK": 2, "HIRAGANA": 4, "KATAKANA": 4}


def primary_subtag(tag: str) -> str:
    """First part of a BCP 47 tag in small letters, "zh" for Mandarin, which tags also name "cmn"; "" for no tag."""
    primary = tag.lower().partition("-")[0]
    return "zh" if primary == "cmn" else primary


def language_by_script(text: str) -> str:
    """Language of a text by its letters, as a primary subtag; "en" for a text without any: digits decide nothing.

    A hanzi counts as two words, because Chinese scripts are full of English names; a kana as four, because kana mark
    Japanese however many kanji there are. A single Latin letter counts nothing: it is a unit or a name in any language.
    """
    words = Counter(script for word in words_of(text) if (script := _script(text[word.start : word.end])))
    script = max(words, key=lambda script: words[script] * _WORDS_A_CHARACTER.get(script, 1), default="")
    return WRITERS.get(script, ("en",))[0]


def _script(word: str) -> str:
    letters = [script for script in map(script_of, word) if script]
    return "" if letters == ["LATIN"] else next(iter(letters), "")
