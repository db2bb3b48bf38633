"""Soft instruments, each a function of pitch and length: mono float arrays at 48 kHz with peaks near 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 48_000
Note = NDArray[np.float64]


def hertz(midi: float) -> float:
    """Frequency of a MIDI note number; 69 is A4, 440 Hz."""
    return 440.0 * 2 ** ((midi - 69) / 12)


def _time(seconds: float) -> Note:
    return np.arange(int(seconds * RATE_HZ)) / RATE_HZ


def _edges(time: Note, attack_s: float, release_s: float) -> Note:
    """Rises and falls as raised cosines at both ends."""
    rise, fall = np.clip(time / attack_s, 0, 1), np.clip((time[-1] - time) / release_s, 0, 1)
    return (0.5 - 0.5 * np.cos(np.pi * rise)) * (0.5 - 0.5 * np.cos(np.pi * fall))


def pad(midi: float, seconds: float, brightness: float = 0.35) -> Note:
    """A warm string-like bed: detuned partials that swell and drift against each other."""
    time = _time(seconds + 1.6)
    note = np.zeros_like(time)
    for voice, detune in enumerate((-0.07, 0.0, 0.06)):
        pitch = hertz(midi + detune)
        for partial in range(1, 9):
            shimmer = 1 + 0.15 * np.sin(2 * np.pi * (0.11 + 0.05 * partial) * time + voice * 2 + partial)
            note += shimmer * brightness ** (partial - 1) / partial * np.sin(2 * np.pi * pitch * partial * time + voice)
    return note / 3.2 * _edges(time, 0.9, 1.6)


def piano(midi: float, seconds: float, force: float = 0.6) -> Note:
    """A felt piano: partials slightly sharp of harmonic, the high ones soon gone, a soft hammer."""
    time = _time(seconds + 2.5)
    pitch = hertz(midi)
    note = np.zeros_like(time)
    for partial in range(1, 12):
        frequency = pitch * partial * np.sqrt(1 + 0.0004 * partial**2)
        if frequency > 9000:
            break
        decay = 0.9 + 0.55 * partial * (pitch / 262) ** 0.5
        note += (0.28 + 0.25 * force) ** (partial - 1) * np.exp(-decay * time) * np.sin(2 * np.pi * frequency * time)
    hammer = np.random.default_rng(int(midi * 10)).normal(size=len(time)) * np.exp(-time * 160) * 0.02
    damper = np.exp(-np.clip(time - seconds, 0, None) * 5)
    return (note * damper + hammer) * _edges(time, 0.006, 0.3) * (0.4 + 0.6 * force)


def marimba(midi: float, force: float = 0.6) -> Note:
    """A wooden bar: the tuned fourth and tenth harmonics fade fast behind a round tone."""
    time, pitch = _time(1.6), hertz(midi)
    tone = np.exp(-4.2 * time) * np.sin(2 * np.pi * pitch * time)
    tone += 0.25 * force * np.exp(-14 * time) * np.sin(2 * np.pi * 3.93 * pitch * time)
    tone += 0.08 * force * np.exp(-40 * time) * np.sin(2 * np.pi * 9.8 * pitch * time)
    return tone * _edges(time, 0.003, 0.2) * (0.5 + 0.5 * force)


def guitar(midi: float, seconds: float, force: float = 0.5) -> Note:
    """A nylon string, plucked near its middle, stopped by hand."""
    time, pitch = _time(seconds + 0.5), hertz(midi)
    note = np.zeros_like(time)
    for partial in range(1, 16):
        if pitch * partial > 8000:
            break
        picked = np.sin(np.pi * partial * 0.27) / partial**1.3
        note += (
            picked
            * np.exp(-(1.6 + 0.8 * partial) * time)
            * np.sin(2 * np.pi * pitch * partial * 1.0002**partial * time)
        )
    return note * np.exp(-np.clip(time - seconds, 0, None) * 12) * _edges(time, 0.004, 0.2) * force * 1.6


def electric_piano(midi: float, seconds: float, force: float = 0.5) -> Note:
    """Two-operator frequency modulation, as the electric pianos of the eighties."""
    time, pitch = _time(seconds + 1.2), hertz(midi)
    body = np.sin(2 * np.pi * pitch * time + 1.3 * force * np.exp(-2.2 * time) * np.sin(2 * np.pi * pitch * time))
    tine = 0.12 * force * np.exp(-9 * time) * np.sin(2 * np.pi * pitch * 7 * time)
    damper = np.exp(-np.clip(time - seconds, 0, None) * 6)
    return (body * np.exp(-1.1 * time) + tine) * damper * _edges(time, 0.008, 0.3) * (0.4 + 0.6 * force)


def bass(midi: float, seconds: float) -> Note:
    """A round finger bass."""
    time, pitch = _time(seconds + 0.15), hertz(midi)
    note = np.sin(2 * np.pi * pitch * time) + 0.35 * np.exp(-3 * time) * np.sin(4 * np.pi * pitch * time)
    note += 0.12 * np.exp(-6 * time) * np.sin(6 * np.pi * pitch * time)
    return 0.8 * note * np.exp(-0.9 * time) * _edges(time, 0.012, 0.15)


def kick() -> Note:
    """A soft drum whose pitch falls from 120 to 46 Hz."""
    time = _time(0.4)
    phase = 2 * np.pi * (46 * time + (120 - 46) / 34 * (1 - np.exp(-34 * time)))
    return np.sin(phase) * np.exp(-9 * time) * _edges(time, 0.002, 0.1)


def _noise(seconds: float, low_hz: float, high_hz: float, seed: int) -> Note:
    """Noise between two frequencies."""
    samples = int(seconds * RATE_HZ)
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=samples))
    frequency = np.fft.rfftfreq(samples, 1 / RATE_HZ)
    spectrum /= np.sqrt((1 + (low_hz / np.maximum(frequency, 1)) ** 6) * (1 + (frequency / high_hz) ** 6))
    noise = np.fft.irfft(spectrum, samples)
    return noise / np.abs(noise).max()


def brush(seed: int = 0) -> Note:
    """A brushed snare."""
    time = _time(0.28)
    return _noise(0.28, 900, 5500, seed)[: len(time)] * np.exp(-16 * time) * _edges(time, 0.006, 0.1)


def shaker(force: float, seed: int = 0) -> Note:
    """One shake."""
    time = _time(0.09)
    return force * _noise(0.09, 4500, 9500, seed)[: len(time)] * np.exp(-45 * time) * _edges(time, 0.012, 0.03)


def snap(seed: int = 0) -> Note:
    """A finger snap."""
    time = _time(0.2)
    return _noise(0.2, 1500, 4200, seed)[: len(time)] * np.exp(-38 * time) * _edges(time, 0.001, 0.05)
