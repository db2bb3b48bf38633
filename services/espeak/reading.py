"""How a text is read aloud by espeak-ng: which language reads which stretch, and what it cannot read by itself."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby

from services.text.languages import WRITERS
from services.text.normalise import read_aloud
from services.text.words import is_ideograph, script_of

_PINYIN = {
    hanzi: pinyin
    for pinyin, all_hanzi in {
        "xong1": "兄兇凶匈哅忷恟汹洶胷胸訩詾讻賯",
        "xong2": "熊赨雄",
        "xong4": "夐敻詗诇",
        "jong1": "冂冋坰埛扃蘏蘔駫",
        "jong3": "侰僒冏囧幜泂炯烱煚煛熲皛窘絅綗褧迥逈顈颎駉",
        "jong4": "澃",
        "qong1": "匔焪芎",
        "qong2": "儝卭宆惸桏棾橩焭煢琼瓊睘瞏穷穹窮竆笻筇茕藑藭蛩赹跫輁邛銎",
        "er2": "儿兒",
    }.items()
    for hanzi in all_hanzi
}
"""Hanzi that the voice spells in English: its table has xong for xiong, and 儿 turns the word before it into letters.

Found by reading every hanzi from U+4E00 to U+9FFF and every word of jieba's dictionary with espeak-ng 1.52.
"""


@dataclass(frozen=True)
class Run:
    """A stretch read in one `language` (primary subtag): what is said, and where each character of it stood."""

    language: str
    said: str
    origins: tuple[int, ...]


def runs_of(text: str, language: str) -> list[Run]:
    """Cuts a text into the stretches that one language reads, and writes each as espeak has to read it.

    Numbers are in words as every voice gets them.
    """
    reading = read_aloud(text, language)
    said = zip(reading.said, reading.origins, strict=True)
    chars = [(char, offset) for original, offset in said for char in folded(original)]
    readers = _readers(chars, language)
    cut = groupby(zip(readers, chars, strict=True), key=lambda pair: pair[0])
    return [_run(reader, [char for _, char in pairs]) for reader, pairs in cut]


def _readers(chars: list[tuple[str, int]], language: str) -> Iterator[str]:
    """Language that reads each character: the text's own if it can; other characters go with what came before."""
    reader = language
    for char, _ in chars:
        if script := script_of(char):
            writers = WRITERS.get(script, (language,))
            reader = language if language in writers else writers[0]
        yield reader


def folded(char: str) -> str:
    """Full-width letters and digits, ① and ℃ as plain ones; a space for emoji and whatever no voice can say."""
    if unicodedata.category(char) in {"So", "Sk", "Cc", "Cf", "Cn", "Co", "Cs"} and char not in "℃℉°":
        return " "
    plain = unicodedata.normalize("NFKC", char)
    return plain if char in "℃℉％＃＆＠＋" or plain.isalnum() else char


def _run(language: str, chars: list[tuple[str, int]]) -> Run:
    run = Run(language, "".join(char for char, _ in chars), tuple(offset for _, offset in chars))
    return _in_chinese(run) if language == "zh" else run


def _in_chinese(run: Run) -> Run:
    """Writes out what the Mandarin voice misreads: a few hanzi.

    Digits of names are set apart from hanzi because the voice gives wrong places for a number that touches one.
    """
    run = _replace(run, f"[{''.join(_PINYIN)}]", lambda hanzi: f" {_PINYIN[hanzi[0]]} ")
    return _replace(run, r"(?<=\D)\d|\d(?=\D)", lambda digit: _apart(run.said, digit.start()))


def _apart(text: str, position: int) -> str:
    before = " " if position and is_ideograph(text[position - 1]) else ""
    after = " " if is_ideograph(text[position + 1 : position + 2] or " ") else ""
    return f"{before}{text[position]}{after}"


def _replace(run: Run, pattern: str, written: Callable[[re.Match[str]], str]) -> Run:
    """Replaces what matches; the new characters stand where the first character of the match stood."""
    said: list[str] = []
    origins: list[int] = []
    end = 0
    for match in re.finditer(pattern, run.said):
        new = written(match)
        said += [run.said[end : match.start()], new]
        origins += [*run.origins[end : match.start()], *[run.origins[match.start()]] * len(new)]
        end = match.end()
    return Run(run.language, "".join([*said, run.said[end:]]), (*origins, *run.origins[end:]))
