"""Whisper behind the listening contract."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Iterator

import numpy as np
from numpy import float32, float64, int16
from numpy.typing import NDArray

from services.asr.engine import Alignment, Heard, Listening, Word
from services.asr.whisper.checkpoint import find_checkpoint, load
from services.asr.whisper.model import MOST_TOKENS, Encoded, Hearing
from services.asr.whisper.options import WhisperOptions
from services.asr.whisper.placement import Placement, placed, spread, weights, whole_samples
from services.asr.whisper.utterances import SAMPLE_RATE_HZ, Utterance, as_floats, utterances
from services.asr.whisper.windows import SpeechClock, find_words
from services.asr.whisper.written import written
from services.base.errors import InvalidInputError
from services.enginekit.capabilities import Capabilities
from services.enginekit.progress import Progress
from services.enginekit.settings import EngineSettings
from services.media.pcm import resampled_pcm
from services.text.languages import language_by_script
from services.text.words import Span, words_of

_LOG = logging.getLogger(__name__)

_STALL_BUDGET_S = 120.0  # a window is one unit: a large model on a CPU takes this long for it
_LEAST_WORD_S = 0.01
_SHORTEST_S = 2.5  # what is shorter is understood by what follows
_LEAST_REST = SAMPLE_RATE_HZ  # samples; less has no words of its own


class WhisperEngine:
    """See AsrEngine. Transcribes and aligns with a Whisper checkpoint run by CTranslate2.

    The constructor looks at the folder and the options, so that a wrong setting shows at once; `warm_up` verifies
    and loads. Raises FailedPreconditionError (CHECKPOINT_..., DEVICE_MISSING) and InvalidInputError (options).
    """

    capabilities = Capabilities(judges_takes=True, uses_gpu=True, streams=True, needs_checkpoint=True)

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._options = WhisperOptions.of(settings.options)
        self._folder = find_checkpoint(settings.checkpoint)
        self._hearing: Hearing | None = None
        self._lock = threading.Lock()
        self.load_s = 0.0

    def warm_up(self, progress: Progress) -> None:
        """Verifies and loads the checkpoint and hears a second of silence."""
        with self._lock:
            if self._hearing is None:
                begun_s = time.monotonic()
                hearing = Hearing(load(self._folder, self._settings, self._options, progress), self._options)
                progress.phase("warm-up", 1, _STALL_BUDGET_S)
                hearing.encode(np.zeros(SAMPLE_RATE_HZ, float32))
                progress.advance()
                self._hearing, self.load_s = hearing, time.monotonic() - begun_s
                _LOG.info("loaded %s on %s in %.1f s", self._folder.name, self._settings.device, self.load_s)

    def transcribe(self, request: Listening, audio: Iterable[NDArray[int16]], progress: Progress) -> Iterator[Heard]:
        """See AsrEngine.transcribe: a segment is what is said up to a pause, and holds at most 30 s.

        Short utterances share a segment with those that follow: what is said around a word tells what it is.

        Raises InvalidInputError (UNSUPPORTED_LANGUAGE), ExhaustedError (OUT_OF_MEMORY), CancelledError within a window.
        """
        hearing = self._loaded(progress)
        asked = hearing.language_code(request.language) if request.language else ""
        progress.phase("transcribe", stall_budget_s=_STALL_BUDGET_S)
        at_model_rate = resampled_pcm(audio, request.sample_rate_hz, SAMPLE_RATE_HZ)
        for utterance in utterances(at_model_rate, self._options, progress.advance, _SHORTEST_S):
            yield from self._heard(utterance, asked, request, hearing, progress)

    def align(self, request: Alignment, audio: Iterable[NDArray[int16]], progress: Progress) -> Iterator[Word]:
        """See AsrEngine.align.

        Raises InvalidInputError for a text without words (NOTHING_TO_SAY), for audio that is SILENT or AUDIO_TOO_SHORT,
        and for an UNSUPPORTED_LANGUAGE; ExhaustedError (OUT_OF_MEMORY), CancelledError within a window.
        """
        hearing = self._loaded(progress)
        language = hearing.language_code(request.language or language_by_script(request.text))
        words = words_of(request.text)
        if not words:
            raise InvalidInputError("The text has no letter or digit to say.", "Write words.", "text", "NOTHING_TO_SAY")
        progress.phase("listen")
        samples = _collected(audio, progress)
        if not samples.any():
            raise InvalidInputError("The audio is silent.", "Send a recording of the text.", "audio", "SILENT")
        stretches = self._speech(samples, request.sample_rate_hz, progress)
        progress.phase("align", stall_budget_s=_STALL_BUDGET_S)
        clock = SpeechClock(stretches)
        found = find_words(request.text, words, language, clock.speech, hearing, progress.advance)
        found = self._sure(found, request.text, words, len(clock.speech))
        yield from _words(request.text, words, found, clock, len(samples), request.sample_rate_hz)

    def _loaded(self, progress: Progress) -> Hearing:
        self.warm_up(progress)
        assert self._hearing is not None
        return self._hearing

    def _speech(self, samples: NDArray[int16], rate_hz: int, progress: Progress) -> list[Utterance]:
        """What the detector takes for speech; everything when it finds none."""
        heard = np.concatenate(list(resampled_pcm([samples], rate_hz, SAMPLE_RATE_HZ)))
        found = list(utterances([heard], self._options, progress.advance))
        return found or [Utterance(0, as_floats(heard))]

    def _heard(
        self, utterance: Utterance, language: str, request: Listening, hearing: Hearing, progress: Progress
    ) -> Iterator[Heard]:
        """What is said in an utterance. If Whisper stops long before its end, the rest is another window."""
        rest: Utterance | None = utterance
        while rest:
            encoded = hearing.encode(rest.samples)
            language = language or hearing.spoken_language(encoded)
            said = hearing.said(encoded, language)
            is_all = not said.text or said.end < _LEAST_REST or encoded.samples - said.end < _LEAST_REST
            window = rest if is_all else rest.until(rest.start + said.end)
            rest = None if is_all else rest.after(window.end)
            progress.advance()
            if text := written(said.text, request.language or language):
                words = self._timed(text, window, encoded, language, request, hearing) if request.words else ()
                start, end = (_at(sample, request.sample_rate_hz) for sample in (window.start, window.end))
                yield Heard(text, start, end, words, request.language or language)

    def _timed(
        self, text: str, utterance: Utterance, encoded: Encoded, language: str, request: Listening, hearing: Hearing
    ) -> tuple[Word, ...]:
        """When the words of a text sound that was recognised in an utterance."""
        words = words_of(text)
        too_many = hearing.token_count(text, language) > MOST_TOKENS or encoded.seconds < len(words) * _LEAST_WORD_S
        if not words or too_many:
            return ()
        found = self._sure(placed(words, hearing.token_times(text, language, encoded)), text, words, encoded.samples)
        total = _at(utterance.end, request.sample_rate_hz)
        return tuple(_words(text, words, found, SpeechClock([utterance]), total, request.sample_rate_hz))

    def _sure(self, found: Placement, text: str, words: list[Span], samples: int) -> Placement:
        """Words that Whisper is not sure of are placed between those it is sure of."""
        unsure = found.probabilities < self._options.min_confidence
        return spread(found, weights(text, words), unsure, float(samples))


def _collected(audio: Iterable[NDArray[int16]], progress: Progress) -> NDArray[int16]:
    """All of the audio; the servicer bounds its length."""
    chunks = [np.empty(0, int16)]
    for chunk in audio:
        chunks.append(chunk)
        progress.advance()
    return np.concatenate(chunks)


def _words(
    text: str, words: list[Span], found: Placement, clock: SpeechClock, total: int, rate_hz: int
) -> Iterator[Word]:
    least = round(rate_hz * _LEAST_WORD_S)
    if total < least * len(words):
        raise InvalidInputError(
            f"{total / rate_hz:.2f} s of audio cannot hold {len(words)} words.",
            "Send a recording of the whole text.",
            "audio",
            "AUDIO_TOO_SHORT",
        )
    starts, ends = (_scaled(times, rate_hz) for times in (clock.begins(found.starts), clock.ends(found.ends)))
    bounds = whole_samples(starts, ends, total, least)
    for word, (start, end), probability in zip(words, bounds, found.probabilities, strict=True):
        yield Word(text[word.start : word.end], word.start, word.end, start, end, float(min(probability, 1.0)))


def _scaled(samples: NDArray[float64], rate_hz: int) -> NDArray[float64]:
    return samples * (rate_hz / SAMPLE_RATE_HZ)


def _at(sample: int, rate_hz: int) -> int:
    return sample * rate_hz // SAMPLE_RATE_HZ
