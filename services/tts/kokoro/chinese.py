"""Hanzi to Kokoro's letters, by misaki: words and their parts of speech, polyphones by word, tone sandhi, IPA."""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

import jieba
import jieba.posseg
from misaki.tone_sandhi import ToneSandhi
from misaki.zh import ZHG2P
from pypinyin import Style, lazy_pinyin
from pypinyin.constants import PINYIN_DICT

_NON_SYLLABIC = "\u032f"  # the model was trained without this mark of misaki's diphthongs
_ALONE = {"地": "de5", "得": "de5", "着": "zhe5", "了": "le5", "还": "hai2", "为": "wei4", "嗯": "n2"}
"""How a word of one character is read; pypinyin gives the first reading of a dictionary."""

jieba.setLogLevel(logging.WARNING)


@cache
def _sandhi() -> ToneSandhi:
    return ToneSandhi()


def letters_of_hanzi(hanzi: str) -> str:
    """Letters of a run of hanzi, a space between words; characters without a known reading are left out."""
    known = "".join(char for char in hanzi if ord(char) in PINYIN_DICT)
    return " ".join("".join(map(letters_of_pinyin, word)) for word in _words(known)) if known else ""


def pinyin_of(hanzi: str) -> list[str]:
    """Pinyin of each syllable as it is spoken, the tone as a digit, 5 for none."""
    return [syllable for word in _words(hanzi) for syllable in word]


@cache
def letters_of_pinyin(syllable: str) -> str:
    """Letters of one syllable such as "zhong4" or "zhòng"; empty for what is no syllable of Mandarin."""
    try:
        return str(ZHG2P.py2ipa(syllable)).replace(_NON_SYLLABIC, "")
    except ValueError:
        return ""


def _words(hanzi: str) -> list[list[str]]:
    """The syllables of each word. Sandhi works on the last character of a syllable, which is its tone."""
    sandhi = _sandhi()
    cut: list[tuple[str, str]] = [(pair.word, pair.flag) for pair in jieba.posseg.lcut(hanzi)]
    return [
        sandhi.modified_tone(word, part_of_speech, _syllables(word))
        for word, part_of_speech in sandhi.pre_merge_for_modify(cut)
    ]


def _syllables(word: str) -> list[str]:
    if word in _ALONE:
        return [_ALONE[word]]
    syllables: list[Any] = lazy_pinyin(word, style=Style.TONE3, neutral_tone_with_five=True)
    return syllables
