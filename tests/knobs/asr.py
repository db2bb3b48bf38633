"""A listener whose behaviour the tests choose: it hears what the options say, evenly spread over the audio."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from numpy import int16
from numpy.typing import NDArray

from services.asr.engine import Alignment, Heard, Listening, Word
from services.runtime.engine_settings import EngineSettings
from services.runtime.progress import Progress
from tests.knobs.knobs import Knobs

_WORD = re.compile(r"[A-Za-z0-9']+|[\u4e00-\u9fff]")


class KnobsAsr:
    """Knobs of `Knobs`, and `heard`: the text of every transcription. A unit is a chunk of audio, then a word."""

    def __init__(self, settings: EngineSettings) -> None:
        self._knobs = Knobs(settings.options)
        self._heard = settings.options.get("heard", "hello world")

    def transcribe(self, request: Listening, audio: Iterable[NDArray[int16]], progress: Progress) -> Iterator[Heard]:
        """One stretch over all of the audio."""
        samples = self._listen(audio, progress)
        words = tuple(self._words(self._heard, samples, progress)) if request.words else ()
        yield Heard(self._heard, 0, samples, words, request.language or "en")

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
