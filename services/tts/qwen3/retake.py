"""Takes that say the wrong thing are spoken again with another seed."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from numpy import int16
from numpy.typing import NDArray

from services.tts.engine import FinishReason

logger = logging.getLogger(__name__)


class TakeChecker(Protocol):
    """Judges a finished take, usually by listening to it with speech recognition."""

    def __call__(self, pcm: NDArray[int16], sample_rate_hz: int, text: str, language: str) -> float:
        """Character error rate of `pcm` (samples,) against `text`: 0 is right, 1 is as wrong as it is long."""


@dataclass(frozen=True)
class CheckedTake:
    """A whole take: `pcm` (samples,) and why it ended."""

    pcm: NDArray[int16]
    reason: FinishReason


@dataclass(frozen=True)
class RetakePolicy:
    """Up to `max_retakes` more takes while the error rate is above `max_error_rate`."""

    checker: TakeChecker
    max_retakes: int
    max_error_rate: float

    def best(
        self, speak: Callable[[int], CheckedTake], seed: int, sample_rate_hz: int, text: str, language: str
    ) -> CheckedTake:
        """The first take that is right, else the least wrong. A take that ran into its length cap is wrong."""
        takes: list[tuple[float, int, CheckedTake]] = []
        for attempt in range(self.max_retakes + 1):
            take = speak(retake_seed(seed, attempt))
            rate = self.checker(take.pcm, sample_rate_hz, text, language)
            capped = take.reason is FinishReason.LENGTH_CAP
            if rate <= self.max_error_rate and not capped:
                return take
            logger.warning("take %d has error rate %.2f and ended by %s", attempt, rate, take.reason.value)
            takes.append((rate + capped, attempt, take))
        return min(takes, key=lambda entry: entry[:2])[2]


def retake_seed(seed: int, attempt: int) -> int:
    """The seed of the nth further take; the first take has the request's own."""
    if attempt == 0:
        return seed
    return int.from_bytes(hashlib.sha256(f"{seed}/{attempt}".encode()).digest()[:8], "big") >> 1


def character_error_rate(said: str, heard: str) -> float:
    """Edits that turn `said` into `heard`, over the letters said; case, spaces and punctuation do not count."""
    wanted, got = ([char for char in text.casefold() if char.isalnum()] for text in (said, heard))
    if not wanted:
        return float(bool(got))
    row = list(range(len(got) + 1))
    for index, char in enumerate(wanted, start=1):
        diagonal, row[0] = row[0], index
        for column, other in enumerate(got, start=1):
            diagonal, row[column] = (
                row[column],
                min(row[column] + 1, row[column - 1] + 1, diagonal + (char != other)),
            )
    return row[-1] / len(wanted)
