"""Hanyu Pinyin as people write it: tones as marks or as digits, syllables apart or together."""

from __future__ import annotations

import re
import unicodedata

NEUTRAL = 5
_TONES = {"\u0304": 1, "\u0301": 2, "\u030c": 3, "\u0300": 4}  # macron, acute, caron, grave
_DIAERESIS, _CIRCUMFLEX = "\u0308", "\u0302"
_INITIALS = "zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw]"
_FINALS = (
    "iang|iong|uang|ueng|ang|eng|ong|ian|iao|ing|uai|uan|üan|ai|ei|ao|ou|an|en|er|"
    "ia|ie|iu|in|ua|uo|ui|ue|un|üe|ün|a|o|e|i|u|ü"
)
_SYLLABLE = rf"(?:(?:{_INITIALS})?(?:{_FINALS}))"
_ALONE = rf"(?:{_SYLLABLE}|ê|hng|hm|ng|[nmr])"
_APART = r"[\s'’·-]"


def syllables_of(reading: str, count: int = 0) -> list[str]:
    """The syllables, with tones as digits, 5 where there is none: "chóng qìng" is chong2, qing4, "māma" is ma1, ma5.

    With a `count` there are so many, which tells syllables apart that are written together; without it only spaces and
    digits do. Empty where that cannot be.
    """
    letters, tones = _plain(reading)
    syllable = rf"({_SYLLABLE if count > 1 else _ALONE}[1-5]?)"
    if count:
        match = re.fullmatch(rf"{_APART}*".join([syllable] * count), letters)
        spans = [match.span(group) for group in range(1, count + 1)] if match else []
    elif re.fullmatch(rf"(?:{syllable}(?:{_APART}+|(?<=\d)|$))+", letters):
        spans = [match.span() for match in re.finditer(r"[a-zêü]+[1-5]?", letters)]
    else:
        spans = []
    found = [_syllable(letters[start:end], [tones[i] for i in range(start, end) if i in tones]) for start, end in spans]
    return [] if "" in found else found


def has_tones(reading: str) -> bool:
    """Whether a text has a tone, as a mark on a letter or as a digit after one."""
    letters, tones = _plain(reading)
    return bool(tones or re.search("[a-zêü][0-9]", letters))


def looks_like_pinyin(reading: str) -> bool:
    """Whether a text cannot be meant as anything else: small letters with tones, or syllables that lack theirs."""
    letters, _ = _plain(reading)
    if has_tones(reading):
        return bool(re.fullmatch(rf"(?:[a-zêü]+[0-9]?(?:{_APART}|$)*)+", letters))
    return reading.islower() and bool(re.fullmatch(rf"(?:{_SYLLABLE}{_APART}*)+", letters))


def _plain(reading: str) -> tuple[str, dict[int, int]]:
    """Small letters without marks of tones, and the tone of each that had one; ü for "v" and "u:"."""
    letters: list[str] = []
    tones: dict[int, int] = {}
    for char in unicodedata.normalize("NFD", reading.strip().lower().replace("u:", "ü").replace("v", "ü")):
        if char in _TONES:
            tones[len(letters) - 1] = _TONES[char]
        elif char in (_DIAERESIS, _CIRCUMFLEX) and letters:
            letters[-1] = unicodedata.normalize("NFC", letters[-1] + char)
        else:
            letters.append(char)
    return "".join(letters), tones


def _syllable(written: str, marks: list[int]) -> str:
    """Letters and tone; "" where it has two tones."""
    letters = written.rstrip("12345")
    told = [*marks, *map(int, written[len(letters) :])]
    if letters[0] in "jqxy":
        letters = letters.replace("ü", "u")
    return f"{letters}{told[0] if told else NEUTRAL}" if len(told) < 2 else ""
