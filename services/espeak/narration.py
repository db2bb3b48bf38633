"""A script spoken by espeak-ng: samples as they are made, and when each word of the script sounds."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import accumulate, pairwise

from numpy import int16
from numpy.typing import NDArray

from services.base.errors import InvalidInputError
from services.espeak.library import NORMAL_WPM, Event, PhonemeBegan, WordBegan, languages, speak
from services.espeak.reading import Run, runs_of
from services.text.languages import language_by_script, primary_subtag
from services.text.pronunciation import Pronunciation
from services.text.words import Span, words_of

MANDARIN = "cmn-latn-pinyin"
"""The Mandarin voice: the one named `cmn` spells hanzi in English on espeak-ng 1.51."""

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
    text: str,
    *,
    language: str = "",
    variant: str = "",
    speed: float = 1.0,
    seed: int = 0,
    pronunciations: Sequence[Pronunciation] = (),
) -> Generator[NDArray[int16] | SpokenWord]:
    """Speaks a text, yielding int16 mono samples at library.SAMPLE_RATE_HZ and each word once it has been said.

    `language` is a BCP 47 tag ("" = from the text), `variant` one of espeak's ("f2"; "" = the plain voice), `speed` 0.5
    to 2; `pronunciations` are stretches of the text that are said in another way. Raises InvalidInputError for a
    language that espeak does not speak and for a text without a word.
    """
    words = words_of(text)
    if not words:
        raise InvalidInputError("The text has no letter or digit to say.", "Write words.", "text", "NOTHING_TO_SAY")
    main = reading_language(text, language)
    suffix = f"+{variant}" if variant else ""
    said = [
        (run, voice_of(language or main if run.language == main else run.language) + suffix)
        for run in runs_of(text, main, pronunciations)
    ]
    return _timed(_events(said, round(NORMAL_WPM * speed), seed), words)


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


def _events(said: Sequence[tuple[Run, str]], words_per_minute: int, seed: int) -> Generator[Event]:
    """Events of all runs, one after the other: positions count in the text, samples in the whole speech."""
    samples = 0
    for run, voice in said:
        first = samples
        take = speak(run.said, voice, words_per_minute=words_per_minute, seed=seed, phonemes=run.phonemes)
        with closing(take):
            for event in take:
                if isinstance(event, WordBegan):
                    yield WordBegan(run.origins[event.position], first + event.sample)
                elif isinstance(event, PhonemeBegan):
                    yield PhonemeBegan(event.name, first + event.sample)
                else:
                    samples += len(event)
                    yield event


def _timed(events: Generator[Event], words: Sequence[Span]) -> Generator[NDArray[int16] | SpokenWord]:
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
                index = word_at.get(event.position, -1)
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
