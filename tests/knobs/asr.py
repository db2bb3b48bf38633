"""A listener whose behaviour the tests choose: it hears what the options say, evenly spread over the audio."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import numpy as np
from numpy import int16
from numpy.typing import NDArray

from services.asr.engine import Alignment, Heard, Listening, Word
from services.enginekit.capabilities import Capabilities
from services.enginekit.progress import Progress
from services.enginekit.settings import EngineSettings
from tests.knobs.knobs import Knobs

_WORD = re.compile(r"[A-Za-z0-9']+|[\u4e00-\u9fff]")


_HIGH_HZ = 330.0


class _Pitch:
    """Audio on its way, and how often it changed its sign."""

    def __init__(self, audio: Iterable[NDArray[int16]]) -> None:
        self._audio, self._crossings, self._sounding = audio, 0, 0

    def __iter__(self) -> Iterator[NDArray[int16]]:
        for chunk in self._audio:
            loud = chunk[np.abs(chunk) > 0]
            self._crossings += int(np.count_nonzero(np.diff(np.sign(loud))))
            self._sounding += len(loud)
            yield chunk

    def hz(self, sample_rate_hz: int) -> float:
        """Of a tone."""
        return self._crossings / 2 * sample_rate_hz / max(1, self._sounding)


class KnobsAsr:
    """Knobs of `Knobs`, and those of the listener. A unit is a chunk of audio, then a word.

    heard: the text of every transcription. misheard: its text where the audio is higher than a tone of `KnobsTts`.
    """

    capabilities = Capabilities(judges_takes=True)

    def __init__(self, settings: EngineSettings) -> None:
        self._knobs = Knobs(settings.options)
        self._heard = settings.options.get("heard", "hello world")
        self._misheard = settings.options.get("misheard", self._heard)

    def transcribe(self, request: Listening, audio: Iterable[NDArray[int16]], progress: Progress) -> Iterator[Heard]:
        """One stretch over all of the audio."""
        pitch = _Pitch(audio)
        samples = self._listen(pitch, progress)
        text = self._misheard if pitch.hz(request.sample_rate_hz) > _HIGH_HZ else self._heard
        words = tuple(self._words(text, samples, progress)) if request.words else ()
        yield Heard(text, 0, samples, words, request.language or "en")

    def align(self, request: Alignment, audio: Iterable[NDArray[int16]], progress: Progress) -> Iterator[Word]:
        """Every word gets the same share of the audio."""
        yield from self._words(request.text, self._listen(audio, progress), progress)

    def _listen(self, audio: Iterable[NDArray[int16]], progress: Progress) -> int:
        self._knobs.log("call")
        progress.phase("listen", 0, self._knobs.budget_s)
        samples = 0
        for number, chunk in enumerate(audio):
            samples += len(chunk)
            self._knobs.unit(number, progress)
        return samples

    def _words(self, text: str, samples: int, progress: Progress) -> Iterator[Word]:
        found = list(_WORD.finditer(text))
        progress.phase("words", len(found), self._knobs.budget_s)
        for number, word in enumerate(found):
            start, end = (samples * edge // len(found) for edge in (number, number + 1))
            yield Word(word[0], word.start(), word.end(), start, end, 1.0)
            progress.advance()
