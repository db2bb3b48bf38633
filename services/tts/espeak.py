"""The voice that needs no checkpoint: espeak-ng, a formant synthesiser a thousand times faster than speech."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace
from difflib import get_close_matches

from pydantic import Field

from services.base.errors import InvalidInputError
from services.enginekit.capabilities import Capabilities
from services.enginekit.options import EngineOptions
from services.enginekit.progress import Progress
from services.enginekit.settings import EngineSettings
from services.espeak.library import SAMPLE_RATE_HZ
from services.espeak.narration import SpokenWord, narrate, reading_language, spoken_languages
from services.text.words import script_of
from services.tts.engine import Event, Finish, FinishReason, Speech, Synthesis, Voice, WordMark
from services.tts.pauses import with_pauses

_VARIANTS = {
    "man": ("Man", ""),
    "man-deep": ("Man, deep", "m8"),
    "man-bright": ("Man, bright", "Alex"),
    "man-high": ("Man, high", "Nguyen"),
    "woman": ("Woman", "f2"),
    "woman-deep": ("Woman, deep", "steph"),
    "woman-bright": ("Woman, bright", "Annie"),
    "woman-high": ("Woman, high", "Alicia"),
    "whisper": ("Whisper", "whisper"),
    "robot": ("Robot", "klatt4"),
}
"""Our own names for some of espeak's voice variants, so that requests do not depend on the engine's files."""


class EspeakOptions(EngineOptions):
    """What an operator can set: `VIGENT_TTS_OPTIONS__<NAME>` or `[tts.options]`."""

    longest_take_s: float = Field(
        600.0,
        gt=0,
        allow_inf_nan=False,
        description="Takes are cut here: 1,000 characters at half speed last 8 minutes.",
    )


class EspeakEngine:
    """Speaks every language of espeak-ng in ten voices; Chinese text may hold English and numbers, and vice versa."""

    capabilities = Capabilities(streams=True, reads_pinyin=True, reads_ipa=True)
    sample_rate_hz = SAMPLE_RATE_HZ

    def __init__(self, settings: EngineSettings) -> None:
        """Asks espeak for its languages, so a missing library shows at start. Raises InvalidInputError (options)."""
        self._longest_take = round(EspeakOptions.of(settings.options).longest_take_s * SAMPLE_RATE_HZ)
        self._languages = spoken_languages()
        self.capabilities = replace(self.capabilities, languages=self._languages)

    def voices(self) -> list[Voice]:
        """All voices, default first; each speaks all languages."""
        return [Voice(id_, name, self._languages) for id_, (name, _) in _VARIANTS.items()]

    def synthesize(self, request: Synthesis, progress: Progress) -> Iterator[Event]:
        """Speaks a text. A unit is a stretch of at most 200 ms; each word's mark follows the word's samples."""
        _check(request)
        progress.phase("synthesize")
        return with_pauses(request, SAMPLE_RATE_HZ, lambda part: self._speak(part, progress))

    def _speak(self, request: Synthesis, progress: Progress) -> Generator[Event]:
        narration = narrate(
            request.text,
            language=request.language,
            variant=_variant(request.voice),
            speed=request.speed,
            seed=request.seed,
            pronunciations=request.pronunciations,
        )
        samples_left = self._longest_take
        with closing(narration):
            for event in narration:
                if isinstance(event, SpokenWord):
                    yield WordMark(event.char_start, event.char_end, event.start_sample)
                elif samples_left <= len(event):
                    yield Speech(event[:samples_left])
                    yield Finish(FinishReason.LENGTH_CAP)
                    return
                else:
                    samples_left -= len(event)
                    progress.advance()
                    yield Speech(event)
        yield Finish(FinishReason.END_OF_TEXT)


def _variant(voice: str) -> str:
    if not voice:
        return next(iter(_VARIANTS.values()))[1]
    if voice not in _VARIANTS:
        closest = ", ".join(get_close_matches(voice, _VARIANTS, n=3, cutoff=0.3) or _VARIANTS)
        raise InvalidInputError(f"There is no voice {voice[:40]!r}.", f"Closest: {closest}.", "voice", "UNKNOWN_VOICE")
    return _VARIANTS[voice][1]


def _check(request: Synthesis) -> None:
    if request.reference_audio is not None:
        raise InvalidInputError(
            "espeak cannot clone a voice.", "Leave the reference out, or use qwen3.", "reference_audio", "CANNOT_CLONE"
        )
    japanese = reading_language(request.text, request.language) == "ja"
    if japanese and any(script_of(char) == "CJK" for char in request.text):
        raise InvalidInputError("espeak cannot read kanji.", "Write Japanese in kana.", "text", "UNREADABLE_SCRIPT")
