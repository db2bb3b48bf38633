"""The Kokoro engine: a natural voice that one core speaks faster than it is heard."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace

from numpy import int16
from numpy.typing import NDArray

from services.base.errors import InvalidInputError
from services.enginekit.capabilities import Capabilities
from services.enginekit.checkpoints import MANIFEST, read_manifest, refused, verify_once
from services.enginekit.cores import usable_cores
from services.enginekit.progress import Progress
from services.enginekit.settings import EngineSettings
from services.media.speech.stretch import TimeStretch
from services.text.languages import primary_subtag
from services.text.words import words_of
from services.tts.engine import Event, Finish, FinishReason, Speech, Synthesis, Voice
from services.tts.kokoro.clauses import Piece, pieces_of
from services.tts.kokoro.joining import pcm_of, without_silence
from services.tts.kokoro.network import SAMPLE_RATE_HZ, Network
from services.tts.kokoro.options import KokoroOptions
from services.tts.kokoro.reading import Reader
from services.tts.kokoro.voices import StyledVoice, all_voices, choose, language_of, languages
from services.tts.pauses import with_pauses

_SLOWEST, _FASTEST = 0.7, 1.4
"""Speeds that the model itself speaks naturally; beyond them its sound is stretched in time."""
_WARM_UP_TEXTS = ("你好。", "Hello.")


class KokoroEngine:
    """Speaks with Kokoro-82M on a processor, clause by clause; Chinese may hold English and numbers, and vice versa."""

    capabilities = Capabilities(streams=True, needs_checkpoint=True, reads_pinyin=True, reads_ipa=True)
    sample_rate_hz = SAMPLE_RATE_HZ

    def __init__(self, settings: EngineSettings) -> None:
        """Checks settings and folder; `warm_up` loads. Raises FailedPreconditionError (CHECKPOINT_...)."""
        if settings.checkpoint is None:
            remedy = "Pull it with `vigent models pull starter`, or set VIGENT_TTS_CHECKPOINT to its folder."
            raise refused("CHECKPOINT_MISSING", "Kokoro needs a checkpoint and none is set.", remedy)
        self.checkpoint, self._cache_root = settings.checkpoint, settings.cache_root
        self._options = KokoroOptions.of(settings.options)
        self.threads = min(usable_cores(), self._options.threads or usable_cores())
        self._network: Network | None = None
        self.capabilities = replace(self.capabilities, languages=languages())

    def warm_up(self, progress: Progress) -> None:
        """Verifies and loads the model and the dictionaries; a unit is a hashed piece, the model, or a first word.

        Raises FailedPreconditionError when the checkpoint is missing, corrupt or of another engine.
        """
        if self._network is not None:
            return
        if self._options.verify and (self.checkpoint / MANIFEST).is_file():
            manifest = read_manifest(self.checkpoint / MANIFEST)
            verify_once(self.checkpoint, manifest, self._cache_root, lambda _: progress.advance())
        network = Network(self.checkpoint, self.threads)
        progress.advance()
        for text in _WARM_UP_TEXTS:
            voice, pieces = _prepared(Synthesis(text))
            _spoken(network, pieces[0], voice, 1.0)
            progress.advance()
        self._network = network

    def voices(self) -> list[Voice]:
        """All voices, default first."""
        return list(all_voices())

    def synthesize(self, request: Synthesis, progress: Progress) -> Iterator[Event]:
        """Speaks one text; a unit is a piece of at most some ten seconds. See `TtsEngine`."""
        yield from with_pauses(request, SAMPLE_RATE_HZ, lambda part: self._speak(part, progress))

    def _speak(self, request: Synthesis, progress: Progress) -> Generator[Event]:
        voice, pieces = _prepared(request)
        self.warm_up(progress)
        assert self._network is not None
        progress.phase("synthesize", len(pieces))
        own_speed = min(max(request.speed, _SLOWEST), _FASTEST)
        stretch = TimeStretch(request.speed / own_speed, SAMPLE_RATE_HZ) if own_speed != request.speed else None
        for piece in pieces:
            pcm = _spoken(self._network, piece, voice, own_speed)
            progress.advance()
            yield Speech(stretch.push(pcm) if stretch else pcm)
        if stretch:
            yield Speech(stretch.flush())
        yield Finish(FinishReason.END_OF_TEXT)


def _prepared(request: Synthesis) -> tuple[StyledVoice, list[Piece]]:
    """The voice, and what it says piece by piece. Raises InvalidInputError as `TtsEngine.synthesize` does."""
    if request.reference_audio is not None:
        remedy = "Leave the reference out, or use an engine that clones."
        raise InvalidInputError("Kokoro cannot clone a voice.", remedy, "reference_audio", "CANNOT_CLONE")
    if not words_of(request.text):
        raise InvalidInputError("The text has no letter or digit to say.", "Write words.", "text", "NOTHING_TO_SAY")
    language = primary_subtag(request.language) or language_of(request.text, request.voice)
    voice = choose(request.voice, request.language or language)
    pieces = pieces_of(Reader(language, voice.accent).letters_of(request))
    if not pieces:
        problem, remedy = "The text has nothing that this voice can say.", "Write words of a language that it speaks."
        raise InvalidInputError(problem, remedy, "text", "NOTHING_TO_SAY")
    return voice, pieces


def _spoken(network: Network, piece: Piece, voice: StyledVoice, speed: float) -> NDArray[int16]:
    wave = network.speak(piece.letters, voice.styles, speed)
    return pcm_of(without_silence(wave), piece.pause_s / speed)
