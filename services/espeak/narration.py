"""A script spoken by espeak-ng: samples as they are made, and when each word of the script sounds."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from difflib import get_close_matches
from html import escape
from itertools import accumulate, pairwise

from numpy import int16
from numpy.typing import NDArray

from services.base.errors import InvalidInputError
from services.espeak.library import NORMAL_WPM, Event, PhonemeBegan, WordBegan, languages, speak
from services.espeak.reading import Run, runs_of
from services.text.languages import language_by_script, primary_subtag
from services.text.words import Span, words_of

MANDARIN = "cmn-latn-pinyin"
"""The Mandarin voice: the one named `cmn` spells hanzi in English on espeak-ng 1.51."""

_HESITATION = re.compile(r"(?:…|\.{3,})+(?=.*\w)", re.DOTALL)
_PAUSE = "<break time='600ms'/>"
"""Replaces an ellipsis before further words, which the voice itself reads like a comma."""

_CANTONESE_TAGS = {"yue", "zh-yue", "zh-hk", "zh-mo"}
_CHINESE_TAGS = {*_CANTONESE_TAGS, "cmn", "zh-cmn", "cmn-latn-pinyin"}


@dataclass(frozen=True)
class SpokenWord:
    """Characters [char_start, char_end) of the text sound in samples [start_sample, end_sample)."""

    char_start: int
    char_end: int
    start_sample: int
    end_sample: int


def narrate(
    text: str, *, language: str = "", variant: str = "", speed: float = 1.0, seed: int = 0
) -> Generator[NDArray[int16] | SpokenWord]:
    """Speaks a text, yielding int16 mono samples at library.SAMPLE_RATE_HZ and each word once it has been said.

    `language` is a BCP 47 tag ("" = from the text), `variant` one of espeak's ("f2"; "" = the plain voice), `speed` 0.5
    to 2. Raises InvalidInputError for a language that espeak does not speak and for a text without a word.
    """
    words = words_of(text)
    if not words:
        raise InvalidInputError("The text has no letter or digit to say.", "Write words.", "text", "NOTHING_TO_SAY")
    source = _source(text, language, variant)
    rate = round(NORMAL_WPM * speed)
    events = speak(source.said, source.voice, words_per_minute=rate, seed=seed, markup=source.markup)
    return _timed(events, source.origins, words)


def primary_language(language: str) -> str:
    """Primary subtag of a BCP 47 tag, "zh" for Mandarin and "yue" for Cantonese by any of their tags."""
    tag = language.lower()
    if tag in _CANTONESE_TAGS:
        return "yue"
    return primary_subtag(tag)


def reading_language(text: str, language: str) -> str:
    """Primary subtag of the language a text is read in: the one asked for, or by the text when that is empty."""
    return primary_language(language) if language else language_by_script(text)


def voice_of(language: str) -> str:
    """Voice of espeak for a BCP 47 tag. Raises InvalidInputError when it has none."""
    tag, known = language.lower(), languages()
    primary = primary_language(language)
    if primary == "zh":
        return MANDARIN
    if primary in known:
        return known.get(tag, known[primary]) if tag != "en" else known["en-us"]
    closest = ", ".join(get_close_matches(primary, sorted({*known}), n=3, cutoff=0.5)) or "zh, en"
    raise InvalidInputError(
        f"espeak-ng does not speak {language[:40]!r}.", f"Closest: {closest}.", "language", "UNKNOWN_LANGUAGE"
    )


def spoken_languages() -> tuple[str, ...]:
    """BCP 47 tags of all that espeak speaks, Chinese and English first."""
    tags = {primary_language(tag) if tag in _CHINESE_TAGS else tag for tag in languages()}
    return ("zh", "en", *sorted(tags - {"zh", "en"}))


@dataclass(frozen=True)
class _Source:
    """What espeak gets, and for each character of it the offset in the text that it stands for."""

    said: str
    origins: tuple[int, ...]
    voice: str
    markup: bool = False


def _source(text: str, language: str, variant: str) -> _Source:
    main = reading_language(text, language)
    runs = runs_of(text, main)
    voices = {run.language: voice_of(run.language) for run in runs} | {main: voice_of(language or main)}
    suffix = f"+{variant}" if variant else ""
    if len({run.language for run in runs}) == 1 and not any(_HESITATION.search(run.said) for run in runs):
        said, origins = "".join(run.said for run in runs), tuple(offset for run in runs for offset in run.origins)
        return _Source(said, origins, voices[runs[0].language] + suffix)
    marked = [("<speak>", 0), *(piece for run in runs for piece in _marked(run, voices[run.language] + suffix))]
    said, origins = "".join(piece for piece, _ in marked), tuple(offset for piece, offset in marked for _ in piece)
    return _Source(said, origins, voices[main] + suffix, markup=True)


def _marked(run: Run, voice: str) -> Generator[tuple[str, int]]:
    """SSML of a run, in pieces with the offset in the text that each stands for."""
    yield f"<voice name='{voice}'>", run.origins[0]
    end = 0
    for match in [*_HESITATION.finditer(run.said), None]:
        start = match.start() if match else len(run.said)
        yield from (
            (escape(char, quote=False), offset)
            for char, offset in zip(run.said[end:start], run.origins[end:start], strict=True)
        )
        if match:
            yield _PAUSE, run.origins[start]
            end = match.end()
    yield "</voice>", run.origins[-1]


def _timed(
    events: Generator[Event], origins: Sequence[int], words: Sequence[Span]
) -> Generator[NDArray[int16] | SpokenWord]:
    """Passes samples on and turns espeak's events into words.

    Some words have no event of their own (the second hanzi of a dictionary word): they share the time of the one
    before. Some have several (numbers, acronyms): the first is their start. A word lasts until the voice pauses or
    the next word starts.
    """
    word_at = {offset: index for index, word in enumerate(words) for offset in range(word.start, word.end)}
    untimed, reached, start, end, samples = 0, -1, 0, 0, 0
    with closing(events):
        for event in events:
            if isinstance(event, PhonemeBegan):
                if not event.name.startswith("("):  # "(en)" switches the language, it is not a sound
                    paused = event.name.startswith("_")
                    end = (end or event.sample) if paused else 0
            elif isinstance(event, WordBegan):
                index = word_at.get(origins[event.position], -1)
                if index > reached:
                    if reached >= 0:
                        yield from _shared(words[untimed:index], start, end or event.sample)
                        untimed = index
                    reached, start, end = index, event.sample, 0
            else:
                samples += len(event)
                yield event
    yield from _shared(words[untimed:], start, end or samples)


def _shared(words: Sequence[Span], start: int, end: int) -> Generator[SpokenWord]:
    """Gives each word a share of samples [start, end) by its length in characters."""
    bounds = [0, *accumulate(word.end - word.start for word in words)]
    times = [start + (end - start) * bound // bounds[-1] for bound in bounds]
    for word, (word_start, word_end) in zip(words, pairwise(times), strict=True):
        yield SpokenWord(word.start, word.end, word_start, word_end)
