"""Cuts audio at its pauses as it comes, by Silero's voice detector, whose weights faster-whisper brings."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from faster_whisper.vad import get_vad_model
from numpy import float32, int16
from numpy.typing import NDArray

from services.asr.whisper.options import WhisperOptions

SAMPLE_RATE_HZ = 16_000
LONGEST_S = 30.0
"""Whisper hears windows of this length. Speech without a pause is cut at the likeliest one in the second half."""

LONGEST_PAUSE_S = 2.0
"""A pause this long ends an utterance, however short it is."""

_FRAME = 512  # samples the detector judges at once, after 64 of the frame before
_CONTEXT = 64
_STATE = (1, 1, 128)
_HYSTERESIS = 0.15  # Silero's: speech goes on until the probability is this much below the threshold


@dataclass(frozen=True)
class Utterance:
    """Speech between two pauses: float32 in [-1, 1] at SAMPLE_RATE_HZ, from sample `start` of the audio on."""

    start: int
    samples: NDArray[float32]

    @property
    def end(self) -> int:
        """Sample of the audio just after the last one."""
        return self.start + len(self.samples)

    def until(self, sample: int) -> Utterance:
        """The part before `sample` of the audio, without the padding of the last frame."""
        return Utterance(self.start, self.samples[: sample - self.start])

    def after(self, sample: int) -> Utterance:
        """The part from `sample` of the audio on."""
        return Utterance(sample, self.samples[sample - self.start :])


def utterances(
    audio: Iterable[NDArray[int16]], options: WhisperOptions, advance: Callable[[], None], shortest_s: float = 0.0
) -> Iterator[Utterance]:
    """What is said in `audio` (int16 mono at SAMPLE_RATE_HZ), each as soon as its pause is heard.

    Speech shorter than `shortest_s` goes on over pauses of up to LONGEST_PAUSE_S. At most LONGEST_S are held. `advance`
    is called after every frame of 32 ms.
    """
    detector, cutter = _Detector(), _Cutter(options, shortest_s)
    end = 0
    for frame, end in _frames(audio):
        if cut := cutter.push(frame, detector.probability(frame)):
            yield cut.until(end)
        advance()
    if cut := cutter.finish():
        yield cut.until(end)


def as_floats(samples: NDArray[int16]) -> NDArray[float32]:
    """Samples in [-1, 1]."""
    return samples.astype(float32) / float32(2**15)


def _frames(audio: Iterable[NDArray[int16]]) -> Iterator[tuple[NDArray[float32], int]]:
    """Frames of _FRAME samples, the last one filled up with silence, and how much of the audio is heard by its end."""
    rest, heard = np.empty(0, int16), 0
    for chunk in audio:
        rest = np.concatenate([rest, chunk])
        whole = len(rest) - len(rest) % _FRAME
        for frame in as_floats(rest[:whole]).reshape(-1, _FRAME):
            heard += _FRAME
            yield frame, heard
        rest = rest[whole:]
    if len(rest):
        yield as_floats(np.pad(rest, (0, _FRAME - len(rest)))), heard + len(rest)


class _Detector:
    """Silero's network with its state; one per stream."""

    def __init__(self) -> None:
        self._session = get_vad_model().session
        self._hidden, self._cell = np.zeros(_STATE, float32), np.zeros(_STATE, float32)
        self._context = np.zeros(_CONTEXT, float32)

    def probability(self, frame: NDArray[float32]) -> float:
        """Probability of speech. One frame at a time, so that chunks of any size give the same."""
        heard = np.concatenate([self._context, frame])[None]
        inputs = {"input": heard, "h": self._hidden, "c": self._cell}
        output, self._hidden, self._cell = self._session.run(None, inputs)
        self._context = frame[-_CONTEXT:]
        return float(np.squeeze(output))


class _Cutter:
    """Collects the frames of an utterance, with some before and after it."""

    def __init__(self, options: WhisperOptions, shortest_s: float) -> None:
        self._begin_at, self._go_on_at = options.speech_threshold, options.speech_threshold - _HYSTERESIS
        self._padding, self._pause = _frame_count(options.padding_ms), _frame_count(options.silence_ms)
        self._shortest, self._longest_pause = _frame_count(1000 * shortest_s), _frame_count(1000 * LONGEST_PAUSE_S)
        self._longest = int(LONGEST_S * SAMPLE_RATE_HZ) // _FRAME
        self._before: deque[NDArray[float32]] = deque(maxlen=self._padding)
        self._frames: list[NDArray[float32]] = []
        self._probabilities: list[float] = []
        self._heard = 0
        self._silent = 0

    def push(self, frame: NDArray[float32], probability: float) -> Utterance | None:
        """Takes the next frame; gives an utterance when one ends."""
        self._heard += 1
        if not self._frames and probability < self._begin_at:
            self._before.append(frame)
            return None
        if not self._frames:
            self._frames, self._probabilities = [*self._before], [0.0] * len(self._before)
            self._before.clear()  # a cut may leave no frames; then these would not be the ones just before
        self._frames.append(frame)
        self._probabilities.append(probability)
        self._silent = self._silent + 1 if probability < self._go_on_at else 0
        if self._silent >= self._ending_pause():
            return self.finish()
        return self._cut(self._likeliest_pause()) if len(self._frames) == self._longest else None

    def _ending_pause(self) -> int:
        is_short = len(self._frames) - self._silent < self._shortest
        return max(self._pause, self._longest_pause) if is_short else self._pause

    def finish(self) -> Utterance | None:
        """The utterance that is not finished yet, without the silence after it."""
        if not self._frames:
            return None
        kept = len(self._frames) - max(self._silent - self._padding, 0)
        utterance = self._cut(kept)
        self._before.extend(self._frames)
        self._frames, self._probabilities, self._silent = [], [], 0
        return utterance

    def _cut(self, count: int) -> Utterance:
        start = (self._heard - len(self._frames)) * _FRAME
        samples = np.concatenate(self._frames[:count])
        del self._frames[:count], self._probabilities[:count]
        return Utterance(start, samples)

    def _likeliest_pause(self) -> int:
        half = self._longest // 2
        return half + int(np.argmin(self._probabilities[half:])) + 1


def _frame_count(duration_ms: float) -> int:
    return math.ceil(duration_ms * SAMPLE_RATE_HZ / (1000 * _FRAME))
