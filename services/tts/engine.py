"""What a voice engine is. Engines know text and samples, nothing of gRPC."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from numpy import int16
from numpy.typing import NDArray

from services.enginekit.capabilities import Capabilities
from services.enginekit.progress import Progress
from services.text.pauses import Pause
from services.text.pronunciation import Pronunciation


@dataclass(frozen=True)
class Voice:
    """A voice: `id` as requests name it, `name` for people, BCP 47 `languages`.

    `sex` is "female", "male" or "" where a voice has none; `licence` an SPDX identifier, "" where none is known.
    """

    id: str
    name: str
    languages: tuple[str, ...]
    sex: str = ""
    licence: str = ""


@dataclass(frozen=True)
class Synthesis:
    """What to say: one sentence of plain `text`, BCP 47 `language` ("" = from the text), `voice` id ("" = default).

    `seed`, 0 to 2^64 - 1, makes it repeatable; `speed`, 0.5 to 2, is relative to the voice's own. `reference_audio` is
    a recording whose speaker is cloned, in any format that FFmpeg reads, and `reference_text` what is said in it ("" =
    not known).

    `pronunciations`, in order and apart, are stretches of `text` that are said in another way; `read_aloud` of
    `services.text.normalise` takes them. `pauses`, in order, are silences to be put into the speech, those of ellipses
    included; `with_pauses` of `services.tts.pauses` puts them there for any engine.
    """

    text: str
    language: str = ""
    voice: str = ""
    seed: int = 0
    speed: float = 1.0
    reference_audio: Path | None = None
    reference_text: str = ""
    pronunciations: tuple[Pronunciation, ...] = ()
    pauses: tuple[Pause, ...] = ()


@dataclass(frozen=True)
class Speech:
    """The next samples: int16 mono, shape (samples,), at the engine's `sample_rate_hz`."""

    pcm: NDArray[int16]


@dataclass(frozen=True)
class WordMark:
    """A word time from the voice itself: characters [char_start, char_end) of the text begin at `start_sample`."""

    char_start: int
    char_end: int
    start_sample: int


class FinishReason(Enum):
    """Why a take ended."""

    END_OF_TEXT = "end_of_text"
    LENGTH_CAP = "length_cap"
    SILENCE = "silence"


@dataclass(frozen=True)
class Finish:
    """The last event of a take."""

    reason: FinishReason


Event = Speech | WordMark | Finish


class TtsEngine(Protocol):
    """A voice engine, living in the worker process. The constructor takes the engine settings and loads."""

    capabilities: Capabilities

    sample_rate_hz: int

    def voices(self) -> list[Voice]:
        """All voices, default first."""

    def synthesize(self, request: Synthesis, progress: Progress) -> Iterator[Event]:
        """Speaks one text, yielding samples as they are made and a Finish at the end. Same request, same samples.

        Calls `progress.advance()` after each unit. Raises InvalidInputError: reason UNKNOWN_VOICE, UNKNOWN_LANGUAGE,
        NOTHING_TO_SAY for a text without a letter or digit, CANNOT_CLONE for a reference that it cannot clone.
        """
