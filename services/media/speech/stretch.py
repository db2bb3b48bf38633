"""Speed without change of pitch: WSOLA (Verhelst and Roelands 1993), for samples that come in pieces.

Windows of the input are laid closer together or further apart; each is shifted a little so that it continues the wave
that is already there. Any division of the input into pieces gives the same output.
"""

from __future__ import annotations

import numpy as np
from numpy import float32, int16
from numpy.typing import NDArray

_WINDOW_S = 0.030  # two periods of a deep voice
_SEARCH_S = 0.008  # shifts tried to each side


class TimeStretch:
    """Plays `speed` times as fast: n samples in, round(n / speed) out."""

    def __init__(self, speed: float, sample_rate_hz: int) -> None:
        self._speed = speed
        self._hop = int(_WINDOW_S / 2 * sample_rate_hz)
        self._search = int(_SEARCH_S * sample_rate_hz)
        phase = (np.arange(2 * self._hop) + 0.5) / (2 * self._hop)
        self._window = (np.sin(np.pi * phase) ** 2).astype(float32)  # overlapping halves add up to one
        self._input: NDArray[float32] = np.zeros(0, float32)
        self._dropped = 0  # samples at the front of the input that are no longer held
        self._tail: NDArray[float32] = np.zeros(self._hop, float32)
        self._windows = 0
        self._previous = 0  # where the last window was taken
        self._received = self._sent = 0

    def push(self, pcm: NDArray[int16]) -> NDArray[int16]:
        """Takes samples and returns those that are ready."""
        self._received += len(pcm)
        self._input = np.concatenate((self._input, pcm.astype(float32)))
        return self._ready()

    def flush(self) -> NDArray[int16]:
        """The rest."""
        missing = round(self._received / self._speed) - self._sent
        reach = int((missing + 4 * self._hop) * self._speed) + 2 * self._search
        self._input = np.concatenate((self._input, np.zeros(reach, float32)))
        return self._ready()[: max(0, missing)]

    def _ready(self) -> NDArray[int16]:
        pieces = []
        while self._dropped + len(self._input) >= self._needed():
            pieces.append(self._next())
        self._forget()
        joined = np.concatenate(pieces) if pieces else np.zeros(0, float32)
        self._sent += len(joined)
        return np.clip(np.rint(joined), -32768, 32767).astype(int16)

    def _needed(self) -> int:
        """End of what the next window looks at, in samples of the input."""
        return max(self._ideal() + self._search, self._previous + self._hop) + 2 * self._hop

    def _ideal(self) -> int:
        return round(self._windows * self._hop * self._speed)

    def _next(self) -> NDArray[float32]:
        start = self._best_start() if self._windows else 0
        piece = self._at(start, 2 * self._hop)
        faded = piece * self._window
        output = faded[: self._hop] + self._tail if self._windows else piece[: self._hop]
        self._tail = faded[self._hop :]
        self._previous, self._windows = start, self._windows + 1
        return output

    def _best_start(self) -> int:
        """Where the input most resembles what would follow the last window (normalised cross-correlation)."""
        first = max(0, self._ideal() - self._search)
        expected = self._at(self._previous + self._hop, self._hop)
        heard = self._at(first, self._ideal() + self._search - first + self._hop)
        similarity = np.correlate(heard, expected, "valid")
        energy = np.cumsum(np.concatenate(([0.0], heard.astype(np.float64) ** 2)))
        energy = energy[self._hop :] - energy[: -self._hop]
        return first + int(np.argmax(similarity / np.sqrt(energy + 1.0)))

    def _at(self, start: int, samples: int) -> NDArray[float32]:
        return self._input[start - self._dropped : start - self._dropped + samples]

    def _forget(self) -> None:
        keep = max(0, min(self._ideal() - self._search, self._previous + self._hop))
        self._input = self._input[keep - self._dropped :]
        self._dropped = keep
