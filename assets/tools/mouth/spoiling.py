"""Speech made like that of other voices, rooms and microphones, so that what is learned from it holds for them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy import float64, int16
from numpy.random import Generator
from numpy.typing import NDArray

Samples = NDArray[float64]

_FRAME_RATE_HZ = 25
_FULL_SCALE = 32_768.0


def other_rate(sample_rate_hz: int, random: Generator) -> int:
    """A rate to play at: the vocal tract, the pitch and the tempo of another speaker."""
    return round(sample_rate_hz * random.uniform(0.86, 1.18) / _FRAME_RATE_HZ) * _FRAME_RATE_HZ


def spoiled(samples: Samples, sample_rate_hz: int, random: Generator) -> NDArray[int16]:
    """Speech (peak near 1) after another throat and microphone, in a room, with noise, at another level."""
    heard = _coloured(samples, sample_rate_hz, random)
    if random.random() < 0.5:
        heard = _in_a_room(heard, sample_rate_hz, random)
    heard = heard / (np.sqrt(np.square(heard).mean()) + 1e-9)
    if random.random() < 0.7:
        bed = _BEDS[random.integers(len(_BEDS))](len(heard), sample_rate_hz, random)
        heard = heard + bed * 10 ** (-random.uniform(10, 45) / 20)
    level_db = random.uniform(-46, -14)
    return np.clip(heard * 10 ** (level_db / 20) * _FULL_SCALE, -32768, 32767).astype(int16)


def bed_alone(samples: int, sample_rate_hz: int, random: Generator) -> NDArray[int16]:
    """Noise or music without a voice: nobody speaks."""
    bed = _BEDS[random.integers(len(_BEDS))](samples, sample_rate_hz, random)
    level_db = random.uniform(-75, -36)
    return np.clip(bed * 10 ** (level_db / 20) * _FULL_SCALE, -32768, 32767).astype(int16)


def _coloured(samples: Samples, sample_rate_hz: int, random: Generator) -> Samples:
    """Any smooth curve of the spectrum; sometimes nothing above a few kHz."""
    length = 1 << (len(samples) - 1).bit_length()
    hertz = np.fft.rfftfreq(length, 1 / sample_rate_hz)
    knots = np.geomspace(60, 8000, 7)
    curve_db = np.interp(np.log(np.maximum(hertz, 1)), np.log(knots), random.normal(0, 4, len(knots)))
    curve_db += random.uniform(-4, 4) * np.log2(np.maximum(hertz, 100) / 1000)
    if random.random() < 0.25:
        curve_db -= np.maximum(0, np.log2(np.maximum(hertz, 1) / random.uniform(3500, 7500))) * 40
    return np.fft.irfft(np.fft.rfft(samples, length) * 10 ** (curve_db / 20))[: len(samples)]


def _in_a_room(samples: Samples, sample_rate_hz: int, random: Generator) -> Samples:
    decay_s = random.uniform(0.08, 0.35)
    t = np.arange(round(decay_s * sample_rate_hz)) / sample_rate_hz
    tail = random.normal(size=len(t)) * np.exp(-6.9 * t / decay_s)
    tail[: round(0.002 * sample_rate_hz)] = 0
    tail *= 10 ** (-random.uniform(3, 14) / 20) / np.sqrt(np.square(tail).sum())
    tail[0] = 1
    length = 1 << (len(samples) + len(tail)).bit_length()
    return np.fft.irfft(np.fft.rfft(samples, length) * np.fft.rfft(tail, length))[: len(samples)]


def _noise(samples: int, sample_rate_hz: int, random: Generator) -> Samples:
    """From white to red, sometimes swelling."""
    hertz = np.fft.rfftfreq(samples, 1 / sample_rate_hz)
    shaped = np.fft.rfft(random.normal(size=samples)) * np.maximum(hertz, 30) ** -random.uniform(0, 1.2)
    swell = 1 + random.uniform(0, 0.7) * np.sin(
        2 * np.pi * random.uniform(0.1, 2) * np.arange(samples) / sample_rate_hz
    )
    return _even(np.fft.irfft(shaped, samples) * swell)


def _music(samples: int, sample_rate_hz: int, random: Generator) -> Samples:
    """Struck and held notes of a scale, each with its overtones."""
    t = np.arange(samples) / sample_rate_hz
    music = np.zeros(samples)
    for _ in range(max(3, round(4 * t[-1]))):
        pitch_hz = 110 * 2 ** (random.choice([0, 2, 4, 7, 9, 12, 14, 16, 19, 21, 24, 28]) / 12)
        since = t - random.uniform(-0.5, t[-1])
        shape = np.where(since > 0, np.exp(-np.maximum(since, 0) * random.uniform(0.5, 5)), 0)
        shape *= np.clip(since / random.uniform(0.004, 0.2), 0, 1)
        for overtone in range(1, 7):
            music += shape * np.sin(2 * np.pi * overtone * pitch_hz * since) * overtone ** -random.uniform(0.8, 2)
    return _even(music)


def _even(samples: Samples) -> Samples:
    return samples / (np.sqrt(np.square(samples).mean()) + 1e-9)


_BEDS: tuple[Callable[[int, int, Generator], Samples], ...] = (_noise, _music)
