"""What a listening engine is. Engines know samples and words, nothing of gRPC."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from numpy import int16
from numpy.typing import NDArray

from services.enginekit.capabilities import Capabilities
from services.enginekit.progress import Progress
from services.text.pronunciation import Pronunciation


@dataclass(frozen=True)
class Word:
    """Characters [char_start, char_end) of the text are said in samples [start_sample, end_sample).

    `confidence` is 0 to 1.
    """

    text: str
    char_start: int
    char_end: int
    start_sample: int
    end_sample: int
    confidence: float


@dataclass(frozen=True)
class Listening:
    """What to listen for: BCP 47 `language` ("" = find out), rate of the int16 mono audio, whether words are wanted."""

    sample_rate_hz: int
    language: str = ""
    words: bool = False


@dataclass(frozen=True)
class Heard:
    """A stretch of recognised text, in samples [start_sample, end_sample) of the audio. `language` as given or found.

    `words`, if wanted, have character offsets into `text`.
    """

    text: str
    start_sample: int
    end_sample: int
    words: tuple[Word, ...] = ()
    language: str = ""


@dataclass(frozen=True)
class Alignment:
    """The text to find in the audio: exactly what is said. BCP 47 `language` ("" = from the text).

    `pronunciations`, in order and apart, are stretches of it that are said in another way than they are written.
    """

    text: str
    sample_rate_hz: int
    language: str = ""
    pronunciations: tuple[Pronunciation, ...] = ()


class AsrEngine(Protocol):
    """A listening engine, living in the worker process. The constructor takes the engine settings and loads."""

    capabilities: Capabilities

    def transcribe(self, request: Listening, audio: Iterable[NDArray[int16]], progress: Progress) -> Iterator[Heard]:
        """Transcribes speech, yielding segments in order; none for silence.

        `audio` are int16 mono chunks (samples,) of any length. Raises InvalidInputError (reason UNSUPPORTED_LANGUAGE).
        """

    def align(self, request: Alignment, audio: Iterable[NDArray[int16]], progress: Progress) -> Iterator[Word]:
        """Yields every word of the text in order; words cover all characters but spaces and punctuation.

        Words are those of `words.words_of`. Times never overlap and never run backwards. Raises InvalidInputError:
        reason NOTHING_TO_SAY for a text without a word, SILENT and AUDIO_TOO_SHORT for audio that cannot contain it,
        UNKNOWN_LANGUAGE or UNSUPPORTED_LANGUAGE.
        """
