"""The voices: who speaks, which languages well, and the style vectors that make the model sound like them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path

import numpy as np
from numpy import float32
from numpy.typing import NDArray

from services.base.errors import InvalidInputError
from services.text.languages import language_by_script, primary_subtag
from services.tts.engine import Voice
from services.tts.kokoro.letters import Accent

_ACCENTS = {"en-GB": Accent.BRITISH, "zh": Accent.CHINESE}
_ASSETS = Path(__file__).resolve().parents[3] / "assets" / "voices"


@dataclass(frozen=True)
class StyledVoice:
    """A voice and its styles (510, 256): row n is for n letters."""

    voice: Voice

    @property
    def accent(self) -> Accent:
        """How it says English."""
        return _ACCENTS.get(self.voice.languages[0], Accent.AMERICAN)

    @property
    def styles(self) -> NDArray[float32]:
        """Read from the asset when first asked for."""
        return _styles(self.voice.id)


@cache
def all_voices() -> tuple[Voice, ...]:
    """All voices, default first."""
    listed = json.loads((_ASSETS / "kokoro.json").read_text(encoding="utf-8"))
    return tuple(
        Voice(entry["id"], entry["name"], tuple(entry["languages"]), entry["sex"], entry["licence"])
        for entry in listed["voices"]
    )


def languages() -> tuple[str, ...]:
    """BCP 47 tags of all that some voice speaks well."""
    return tuple(dict.fromkeys(tag for voice in all_voices() for tag in voice.languages))


def language_of(text: str, voice_id: str) -> str:
    """Primary subtag of the language that a text is read in when none is asked for: by its script, then the voice's."""
    by_script = language_by_script(text)
    named = next((voice for voice in all_voices() if voice.id == voice_id), None)
    if by_script != "en" or named is None or _speaks(named, "en") or _reads_along(named, "en"):
        return by_script
    return primary_subtag(named.languages[0])


def choose(voice_id: str, language: str) -> StyledVoice:
    """The voice called `voice_id`, or the first that speaks the BCP 47 `language`.

    Raises InvalidInputError (UNKNOWN_VOICE, UNKNOWN_LANGUAGE) when there is none, or when it speaks another language.
    """
    speakers = [voice for voice in all_voices() if _speaks(voice, language)]
    if not speakers:
        tags = ", ".join(dict.fromkeys(map(primary_subtag, languages())))
        remedy = f"It speaks {tags}; another engine may speak more."
        raise InvalidInputError(f"No voice speaks {language[:40]!r}.", remedy, "language", "UNKNOWN_LANGUAGE")
    if not voice_id:
        return StyledVoice(_nearest(speakers, language))
    named = next((voice for voice in all_voices() if voice.id == voice_id), None)
    if named is None:
        ids = [voice.id for voice in all_voices()]
        closest = ", ".join(get_close_matches(voice_id, ids, n=3, cutoff=0.3) or [voice.id for voice in speakers])
        raise InvalidInputError(
            f"There is no voice {voice_id[:40]!r}.", f"Closest: {closest}.", "voice", "UNKNOWN_VOICE"
        )
    if named not in speakers and not _reads_along(named, language):
        problem = f"The voice {named.id} does not speak {language[:40]!r} well."
        remedy = f"Use one of {', '.join(voice.id for voice in speakers)}."
        raise InvalidInputError(problem, remedy, "voice", "VOICE_OF_ANOTHER_LANGUAGE")
    return StyledVoice(named)


def _nearest(speakers: list[Voice], language: str) -> Voice:
    """The first of the very region, else the first."""
    return next((voice for voice in speakers if language.lower() in map(str.lower, voice.languages)), speakers[0])


def _reads_along(voice: Voice, language: str) -> bool:
    """Chinese scripts have whole sentences of English, which the Chinese voices say understandably."""
    return primary_subtag(language) == "en" and "zh" in voice.languages


def _speaks(voice: Voice, language: str) -> bool:
    return primary_subtag(language) in map(primary_subtag, voice.languages)


@cache
def _styles(voice_id: str) -> NDArray[float32]:
    with np.load(_ASSETS / "kokoro.npz") as archive:
        styles: NDArray[float32] = archive[voice_id].astype(float32)
    return styles
