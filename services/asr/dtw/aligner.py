"""Finds the words of a known text in audio: espeak-ng says the text, and what is heard is warped onto that.

The reference knows when each word sounds. Reference and audio are compared by cepstra made alike: same loudness, the
noise of the audio added to the reference, mean and variance normalised, formants stretched to the speaker. Between
words the reference has a silence of any length, including none, so pauses may be anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import soxr
from numpy import bool_, float32, int16, int64
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from services.asr.dtw import mfcc
from services.asr.dtw.warping import BLOCK, Warp, distances, warp
from services.asr.engine import Alignment, Word
from services.base.errors import InvalidInputError
from services.enginekit.progress import Progress
from services.espeak import library
from services.espeak.narration import SpokenWord, narrate

_STRETCHES = (0.9, 1.0, 1.1, 1.22, 1.35)
"""Formants of the speaker relative to espeak's male voice, from a deep man to a child; the best fit is chosen."""

_SILENCE = -1

_SILENCE_SHARE = 0.05  # the quietest frames, this share of all, tell what silence sounds like
_SPEECH_OVER_SILENCE = 3.0  # in energy
_FLOOR = 1e-4  # of the energy of a loud frame: bounds the logarithm of digital silence
_LOUD_PERCENTILE = 90

_SURE, _CHANCE = 0.5, 0.85
"""Distance of a word's frames along the path, relative to unrelated frames, at confidence 1 and 0.

Measured medians: 0.4 for another voice of espeak's, 0.7 for the voices of flite, 0.8 when the text is not what is said.
"""


class DtwAligner:
    """Aligns any language that espeak-ng speaks; needs no checkpoint."""

    def __init__(self) -> None:
        """Keeps BLAS to one thread in this process: on matrices this small its threads cost four times the work."""
        threadpool_limits(1, user_api="blas")

    def align(self, request: Alignment, audio: Iterable[NDArray[int16]], progress: Progress) -> Iterator[Word]:
        """See AsrEngine.align. Raises InvalidInputError for a text without words and for audio that cannot hold it."""
        reference = _reference(request, progress)
        samples = _listen(audio, progress)
        if not samples.any():
            raise InvalidInputError("The audio is silent.", "Send a recording of the text.", "audio", "SILENT")
        heard = mfcc.power_spectra(_resampled(samples, request.sample_rate_hz))
        progress.phase("align", (len(_STRETCHES) + 2) * len(heard) // (2 * BLOCK))
        stretch = min(_STRETCHES, key=lambda each: _Comparison(reference, heard, each).unlikeness(progress.advance))
        comparison = _Comparison(reference, heard, stretch)
        found = comparison.warp(progress.advance)
        if found is None or len(heard) < len(reference.words):
            raise InvalidInputError(
                f"{_seconds(heard)} of audio cannot hold a text that takes {_seconds(reference.spectra)} to say.",
                "Send a recording of the whole text.",
                "audio",
                "AUDIO_TOO_SHORT",
            )
        for word, (start, end) in zip(reference.words, _bounds(found, reference), strict=True):
            yield Word(
                text=request.text[word.char_start : word.char_end],
                char_start=word.char_start,
                char_end=word.char_end,
                start_sample=_sample(start, request.sample_rate_hz),
                end_sample=min(_sample(end, request.sample_rate_hz), len(samples)),
                confidence=_confidence(float(found.costs[start:end].mean()) / comparison.unlike),
            )


def _listen(audio: Iterable[NDArray[int16]], progress: Progress) -> NDArray[int16]:
    """All of the audio."""
    progress.phase("listen")
    chunks = [np.empty(0, int16)]
    for chunk in audio:
        chunks.append(chunk)
        progress.advance()
    return np.concatenate(chunks)


def _resampled(samples: NDArray[int16], sample_rate_hz: int) -> NDArray[float32]:
    resampled: NDArray[float32] = soxr.resample(samples.astype(float32) / 2**15, sample_rate_hz, mfcc.SAMPLE_RATE_HZ)
    return resampled


@dataclass(frozen=True)
class _Reference:
    """The text as espeak says it: `spectra` of its frames, and the states that the audio goes through.

    A state is a frame of a word, or -1: a silence of any length. Word n has the states [starts[n], ends[n]).
    """

    words: list[SpokenWord]
    spectra: NDArray[float32]
    states: NDArray[int64]
    starts: NDArray[int64]
    ends: NDArray[int64]


def _reference(request: Alignment, progress: Progress) -> _Reference:
    progress.phase("speak")
    words: list[SpokenWord] = []
    chunks: list[NDArray[int16]] = []
    said = narrate(request.text, language=request.language, pronunciations=request.pronunciations)
    with closing(said) as narration:
        for event in narration:
            if isinstance(event, SpokenWord):
                words.append(event)
            else:
                chunks.append(event)
                progress.advance()
    spectra = mfcc.power_spectra(_resampled(np.concatenate(chunks), library.SAMPLE_RATE_HZ))
    states, starts, ends = [_SILENCE], [], []
    for word in words:
        first, last = _frame(word.start_sample), max(_frame(word.end_sample), _frame(word.start_sample) + 1)
        starts.append(len(states))
        states += range(min(first, len(spectra) - 1), min(last, len(spectra)))
        ends.append(len(states))
        states.append(_SILENCE)
    return _Reference(words, spectra, np.array(states), np.array(starts), np.array(ends))


def _frame(sample: int) -> int:
    return round(sample * mfcc.SAMPLE_RATE_HZ / (library.SAMPLE_RATE_HZ * mfcc.HOP))


class _Comparison:
    """Reference and audio made alike, for a speaker whose formants are `stretch` times the reference's."""

    def __init__(self, reference: _Reference, heard: NDArray[float32], stretch: float) -> None:
        heard_energies, said_energies = mfcc.mel_energies(heard, stretch), mfcc.mel_energies(reference.spectra)
        loudness = heard_energies.sum(axis=1)
        loud = np.percentile(loudness, _LOUD_PERCENTILE)
        quietest = loudness.argsort()[: max(5, round(len(loudness) * _SILENCE_SHARE))]
        silence = np.median(heard_energies[quietest], axis=0)
        said_energies *= loud / np.percentile(said_energies.sum(axis=1), _LOUD_PERCENTILE)
        floor = max(loud * _FLOOR / mfcc.BANDS, np.finfo(float32).tiny)
        in_words, silent = reference.states[reference.states >= 0], reference.states < 0

        heard_cepstra = mfcc.cepstra(np.log(heard_energies + floor))
        normalise = _normaliser(heard_cepstra[_speech(loudness, silence)])
        said = mfcc.cepstra(np.log(said_energies + silence + floor))
        still = mfcc.cepstra(np.log(silence + floor)[None])
        self._heard = normalise(heard_cepstra)
        self._states = _normaliser(said[in_words])(said[reference.states])
        self._states[silent] = normalise(still)
        self._silent = silent
        self.unlike = _unlike(self._heard[_speech(loudness, silence)], self._states[~silent])

    def warp(self, advance: Callable[[], None]) -> Warp | None:
        """Where in the states each heard frame is; None if the audio is too short."""
        return warp(self._heard, self._states, self._silent, self.unlike, advance)

    def unlikeness(self, advance: Callable[[], None]) -> float:
        """How little the audio is like the reference, about 0.3 to 0.7: judged by every other frame."""
        kept = self._silent | (np.arange(len(self._silent)) % 2 == 0)
        heard = self._heard[::2]
        found = warp(heard, self._states[kept], self._silent[kept], self.unlike, advance)
        return np.inf if found is None else found.total / (len(heard) * self.unlike)


def _speech(loudness: NDArray[float32], silence: NDArray[float32]) -> NDArray[bool_]:
    """Frames that are speech; all, when nothing stands out from the silence."""
    speech: NDArray[bool_] = loudness > silence.sum() * _SPEECH_OVER_SILENCE
    return speech if speech.any() else ~speech


def _normaliser(cepstra: NDArray[float32]) -> Callable[[NDArray[float32]], NDArray[float32]]:
    """Brings cepstra to mean 0 and variance 1 by the statistics of these."""
    mean, deviation = cepstra.mean(axis=0), cepstra.std(axis=0) + 1e-3
    return lambda others: (others - mean) / deviation


def _unlike(heard: NDArray[float32], said: NDArray[float32]) -> float:
    """Median distance of unrelated frames."""
    some, others = (frames[:: max(1, len(frames) // 200)] for frames in (heard, said))
    return max(float(np.median(distances(some, others))), 1e-3)


def _bounds(found: Warp, reference: _Reference) -> list[tuple[int, int]]:
    """Frames of each word, at least one each: the path may pass over a word of one or two states."""
    numbers = np.arange(len(reference.words))
    starts = found.states.searchsorted(reference.starts)
    starts = np.maximum.accumulate(starts - numbers) + numbers  # each at least one frame after the one before
    starts = np.minimum(starts, len(found.states) - len(numbers) + numbers)
    ends = np.clip(found.states.searchsorted(reference.ends), starts + 1, np.append(starts[1:], len(found.states)))
    return list(zip(starts.tolist(), ends.tolist(), strict=True))


def _confidence(distance: float) -> float:
    return min(max((_CHANCE - distance) / (_CHANCE - _SURE), 0.0), 1.0)


def _seconds(spectra: NDArray[float32]) -> str:
    return f"{len(spectra) * mfcc.HOP / mfcc.SAMPLE_RATE_HZ:.2f} s"


def _sample(frame: int, sample_rate_hz: int) -> int:
    return frame * mfcc.HOP * sample_rate_hz // mfcc.SAMPLE_RATE_HZ
