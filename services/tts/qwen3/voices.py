"""Which voices a checkpoint has, and which one a request means.

A voice id is a name, and "name: instruction" where the checkpoint follows instructions ("vivian: whispering"). A
VoiceDesign checkpoint has no names but descriptions, ": a low, calm voice"; a Base checkpoint has the recordings of a
folder and whatever recording a request brings.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from services.base.errors import InvalidInputError
from services.text.languages import primary_subtag
from services.tts.engine import Synthesis, Voice
from services.tts.qwen3.config import Qwen3Config

_LANGUAGES = {
    "zh": "chinese",
    "en": "english",
    "ja": "japanese",
    "ko": "korean",
    "de": "german",
    "fr": "french",
    "ru": "russian",
    "pt": "portuguese",
    "es": "spanish",
    "it": "italian",
}
_AUDIO = (".wav", ".flac", ".mp3", ".m4a")
_CLONE = "reference"
_NARRATOR = "narrator"
_NARRATOR_VOICE = "A clear, calm adult voice at a steady pace, as in a documentary."


@dataclass(frozen=True)
class ChosenVoice:
    """What a request's voice and language mean to the model; absent parts are None or ""."""

    language_id: int | None = None
    speaker_id: int | None = None
    recording: Path | None = None
    transcript: str = ""
    instruction: str = ""


class VoiceBook:
    """The voices of one checkpoint and of the operator's folder."""

    def __init__(self, config: Qwen3Config, folder: Path | None) -> None:
        self._config = config
        spoken = config.talker.codec_language_id
        self._languages = {tag: spoken[name] for tag, name in _LANGUAGES.items() if name in spoken}
        self._recordings = _recordings(folder) if config.kind == "base" else {}

    @property
    def languages(self) -> tuple[str, ...]:
        """BCP 47 tags of what every voice speaks."""
        return tuple(self._languages)

    @property
    def clones(self) -> bool:
        """Whether it can clone the voice of a recording."""
        return self._config.kind == "base"

    @property
    def follow_instructions(self) -> bool:
        """Whether a voice can be told how to speak."""
        return not self.clones and self._config.size != "0b6"

    def all(self) -> list[Voice]:
        """All voices, default first."""
        return [Voice(id_, name, self.languages) for id_, name in self._names().items()]

    def choose(self, request: Synthesis) -> ChosenVoice:
        """What `request` means. Raises InvalidInputError for a voice, language or reference that does not fit."""
        name, _, instruction = (part.strip() for part in request.voice.partition(":"))
        if instruction and not self.follow_instructions:
            problem, remedy = "This checkpoint follows no instructions.", "Leave out what is after ':'."
            raise InvalidInputError(problem, remedy, "voice", "NO_INSTRUCTIONS")
        if request.reference_audio and not self.clones:
            problem, remedy = f"A {self._config.kind} checkpoint cannot clone.", "Use a Base checkpoint."
            raise InvalidInputError(problem, remedy, "reference_audio", "CANNOT_CLONE")
        language = self._language_id(request.language)
        if self._config.kind == "base":
            return self._cloned(name, request, language)
        return self._built_in(name, instruction, request.language, language)

    def _cloned(self, name: str, request: Synthesis, language: int | None) -> ChosenVoice:
        if name and name not in self._names():
            raise self._unknown(name)
        if request.reference_audio:
            transcript = request.reference_text.strip()
            return ChosenVoice(language, recording=request.reference_audio, transcript=transcript)
        if name not in self._recordings and (name or not self._recordings):
            remedy = "Send reference_audio, or put recordings into the folder of options.voices."
            problem = "A Base checkpoint has no voice of its own."
            raise InvalidInputError(problem, remedy, "reference_audio", "NO_REFERENCE")
        recording = self._recordings[name or next(iter(self._recordings))]
        script = recording.with_suffix(".txt")
        transcript = script.read_text(encoding="utf-8").strip() if script.is_file() else ""
        return ChosenVoice(language, recording=recording, transcript=transcript)

    def _built_in(self, name: str, instruction: str, tag: str, language: int | None) -> ChosenVoice:
        talker = self._config.talker
        if name and name.lower() not in self._names():
            raise self._unknown(name)
        if self._config.kind == "voice_design":
            return ChosenVoice(language, instruction=instruction or _NARRATOR_VOICE)
        speaker = name.lower() or next(iter(self._names()))
        dialect = talker.spk_is_dialect.get(speaker, False)
        if isinstance(dialect, str) and primary_subtag(tag) in ("", "zh"):
            language = talker.codec_language_id[dialect]
        return ChosenVoice(language, talker.spk_id[speaker], instruction=instruction)

    def _names(self) -> dict[str, str]:
        if self._config.kind == "base":
            return {name: name for name in self._recordings} | {_CLONE: "The voice of the reference recording"}
        if self._config.kind == "voice_design":
            return {_NARRATOR: "Narrator, or any voice described after a colon"}
        return {name.lower(): name.replace("_", " ").title() for name in self._config.talker.spk_id}

    def _language_id(self, tag: str) -> int | None:
        if not tag:
            return None
        if primary_subtag(tag) not in self._languages:
            problem, remedy = (
                f"This checkpoint does not speak {tag[:40]!r}.",
                f"Use one of {', '.join(self._languages)}.",
            )
            raise InvalidInputError(problem, remedy, "language", "UNKNOWN_LANGUAGE")
        return self._languages[primary_subtag(tag)]

    def _unknown(self, name: str) -> InvalidInputError:
        problem, remedy = f"There is no voice {name[:40]!r}.", f"Use one of {', '.join(self._names())}."
        return InvalidInputError(problem, remedy, "voice", "UNKNOWN_VOICE")


def _recordings(folder: Path | None) -> dict[str, Path]:
    if folder is None:
        return {}
    if not folder.is_dir():
        raise InvalidInputError(f"The folder of voices {folder} does not exist.", "Create it.", "options.voices")
    return {path.stem: path for path in sorted(folder.iterdir()) if path.suffix.lower() in _AUDIO}
