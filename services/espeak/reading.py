"""How a text is read aloud by espeak-ng: which language reads which stretch, and what it cannot read by itself."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from services.espeak.ipa import phonemes_of
from services.text.languages import WRITERS
from services.text.normalise import Reading, read_aloud
from services.text.pronunciation import Pronunciation, ReadingKind
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


_SPELLED = {
    "xiong": "xong",
    "jiong": "jong",
    "qiong": "qong",
    "ê": "ei",
    "m": "mu",
    "hm": "heng",
    "hng": "heng",
    "r": "er",
    "wong": "weng",
}
"""Syllables of pinyin that the voice spells in English, and what it says them by; all others it knows."""

_IPA_LANGUAGE = "en-us"


@dataclass(frozen=True)
class Run:
    """A stretch read in one `language` (primary subtag): what is said, and where each character of it stood.

    `phonemes`: what stands between [[ and ]] are espeak's phonemes.
    """

    language: str
    said: str
    origins: tuple[int, ...]
    phonemes: bool = False


def runs_of(text: str, language: str, pronunciations: Sequence[Pronunciation] = ()) -> list[Run]:
    """Cuts a text into the stretches that one language reads, and writes each as espeak has to read it.

    Numbers are in words as every voice gets them.
    """
    runs = [run for run in _pieces(read_aloud(text, language, pronunciations), language) if run.said]
    return [_joined(list(same)) for _, same in groupby(runs, key=lambda run: run.language)]


def _pieces(reading: Reading, language: str) -> Iterator[Run]:
    """Runs of what is written and of what is told, in turn."""
    end = 0
    for told in reading.pronunciations:
        yield from _written(reading, end, told.char_start, language)
        yield _told(told, reading.origins[told.char_start : told.char_end], language)
        end = told.char_end
    yield from _written(reading, end, len(reading.said), language)


def _written(reading: Reading, start: int, end: int, language: str) -> Iterator[Run]:
    said = zip(reading.said[start:end].replace("[[", "[ "), reading.origins[start:end], strict=True)
    chars = [(char, offset) for original, offset in said for char in folded(original)]
    readers = _readers(chars, language)
    cut = groupby(zip(readers, chars, strict=True), key=lambda pair: pair[0])
    yield from (_run(reader, [char for _, char in pairs]) for reader, pairs in cut)


def _told(told: Pronunciation, origins: Sequence[int], language: str) -> Run:
    """What is told by sound: pinyin as the Mandarin voice reads it, phonemes of English in whatever language."""
    if told.kind is ReadingKind.PINYIN:
        syllables = [_in_letters(syllable) for syllable in told.reading.split()]
        places = origins if len(origins) == len(syllables) else [origins[0]] * len(syllables)
        pairs = list(zip([f" {syllable} " for syllable in syllables], places, strict=True))
        return Run("zh", "".join(said for said, _ in pairs), tuple(place for said, place in pairs for _ in said))
    said = f" [[{_in_phonemes(told.reading, language)}]] "
    return Run(language, said, (origins[0],) * len(said), phonemes=True)


def _in_letters(syllable: str) -> str:
    letters, tone = syllable[:-1], syllable[-1]
    return _SPELLED.get(letters, letters).replace("ü", "v") + tone


def _in_phonemes(ipa: str, language: str) -> str:
    if language == "en":
        return phonemes_of(ipa)
    return f"_^_{_IPA_LANGUAGE} {phonemes_of(ipa)} _^_{'cmn' if language == 'zh' else language}"


def _joined(runs: Sequence[Run]) -> Run:
    return Run(
        runs[0].language,
        "".join(run.said for run in runs),
        tuple(offset for run in runs for offset in run.origins),
        any(run.phonemes for run in runs),
    )


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
