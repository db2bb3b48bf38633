"""The voices of all segments, one after the other, as the film's sound."""

from __future__ import annotations

import wave
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy import int16
from numpy.typing import NDArray

from orchestrator.film.join import VoiceSegment
from services.base.errors import InternalError
from services.media.sound import SAMPLES_A_FRAME, Sound, fitted, resampled
from services.media.timeline import samples_per_frame


def voice_blocks(voices: Sequence[VoiceSegment]) -> Iterator[Sound]:
    """Mono sound of exactly the film's length, in blocks of at most about a second.

    Raises InternalError when the segments differ in rate or one is longer than its frames.
    """
    rate_hz = sample_rate_hz(voices[0].path)
    samples = sum(voice.frames for voice in voices) * SAMPLES_A_FRAME
    yield from fitted(resampled(pcm_frames(_pcm_of_all(voices, rate_hz), rate_hz), "mono"), samples)


def sample_rate_hz(path: Path) -> int:
    """Rate of a WAV file."""
    with wave.open(str(path)) as file:
        return int(file.getframerate())


def padded_pcm(voice: VoiceSegment, rate_hz: int) -> Iterator[NDArray[int16]]:
    """One voice in blocks of at most a second, then silence up to the end of its last frame."""
    with wave.open(str(voice.path)) as file:
        if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (rate_hz, 1, 2):
            raise InternalError(f"A voice is not 16-bit mono at {rate_hz} Hz like the others.")
        missing = voice.frames * samples_per_frame(rate_hz) - file.getnframes()
        if missing < 0:
            raise InternalError(f"A voice is {-missing} samples longer than its {voice.frames} frames.")
        while data := file.readframes(rate_hz):
            yield np.frombuffer(data, "<i2")
    yield np.zeros(missing, int16)


def _pcm_of_all(voices: Sequence[VoiceSegment], rate_hz: int) -> Iterator[NDArray[int16]]:
    for voice in voices:
        yield from padded_pcm(voice, rate_hz)


def pcm_frames(blocks: Iterable[NDArray[int16]], rate_hz: int, first_sample: int = 0) -> Iterator[av.AudioFrame]:
    """int16 mono samples as frames, stamped from `first_sample` on."""
    for block in blocks:
        if len(block):
            yield _pcm_frame(block, rate_hz, first_sample)
            first_sample += len(block)


def _pcm_frame(block: NDArray[int16], rate_hz: int, first_sample: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(block[None], format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = rate_hz, first_sample, Fraction(1, rate_hz)
    return frame
