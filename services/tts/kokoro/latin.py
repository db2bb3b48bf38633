"""Words in Latin and other letters to Kokoro's: pronounced by espeak-ng, abbreviations spelled."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

from services.espeak.library import ipa_of
from services.espeak.narration import voice_of
from services.tts.kokoro.letters import Accent, english_letters, other_letters, spelled

_TOKEN = re.compile(r"[A-Z]{3,}(?![A-Za-z])|(?:(?![A-Z]{3,}(?![A-Za-z]))[A-Za-z])+|[^A-Za-z]+")  # Chat, GPT
_HYPHEN = re.compile(r"(?<=[A-Za-z0-9])-(?=[A-Za-z0-9])")  # espeak reads the one of GPT-4 as a minus
_CAPITALS = re.compile(r"[A-Z]{2,3}|[B-HJ-Z]|[B-DF-HJ-NP-TV-XZ]{4,6}")
_SHORT_WORDS = """
    RAM ROM SIM PIN GIF RAG GAN APP LAB NEW NOT YES YOU TOP BIG HOT DAY OUT ALL ONE TWO SIX TEN THE AND FOR
    BUT BOX BUS CAR CAT DOG EYE FUN GET JOB KEY LOW MAN MAX MEN MIN MIX MOM NOW OFF OLD OUR PAY PRO RED RUN
    SAY SEE SET SHE SUN TAX TEA VAN WAR WAY WHO WHY WIN ZEN ZIP AM AN AS BE BY DO GO HE IF IN IS ME MY NO OF
    ON OR SO TO UP WE
"""
"""Short words in capitals that are no abbreviations, or ones that people read as words."""
_READ_AS_WORDS = frozenset(_SHORT_WORDS.split())
_SPELLED = frozenset({"AIGC", "ASIC", "AGI"})
_SAID_AS = {
    "qwen": "kwen",
    "llama": "lahma",
    "cuda": "kooda",
    "onnx": "onix",
    "youtube": "you tube",
    "xiaomi": "shaow me",
}
"""Names that espeak reads letter by letter or by the rules of English, as their makers say them."""


def english(text: str, accent: Accent = Accent.AMERICAN, *, abbreviations: bool = True) -> str:
    """Letters of English words without punctuation; `abbreviations` are spelled where a text is not all capitals."""
    text = _HYPHEN.sub(" ", text)
    groups = [
        (is_spelled, "".join(tokens))
        for is_spelled, tokens in groupby(_TOKEN.findall(text), lambda token: abbreviations and is_abbreviation(token))
    ]
    voice = voice_of("en-gb" if accent is Accent.BRITISH else "en-us")
    read = iter(ipa_of([_as_said(words) for is_spelled, words in groups if not is_spelled], voice))
    letters = (
        spelled(words, accent) if is_spelled else english_letters(next(read), accent) for is_spelled, words in groups
    )
    return " ".join(part for part in letters if part)


def other(text: str, language: str) -> str:
    """Letters of words of another language that espeak reads."""
    return other_letters(ipa_of([text], voice_of(language))[0])


def is_abbreviation(token: str) -> bool:
    """Whether a run of Latin letters is read by their names."""
    return token in _SPELLED or (_CAPITALS.fullmatch(token) is not None and token not in _READ_AS_WORDS)


def _as_said(words: str) -> str:
    return "".join(_SAID_AS.get(token.lower(), token) for token in _tokens(words))


def _tokens(words: str) -> Iterator[str]:
    yield from _TOKEN.findall(words)
