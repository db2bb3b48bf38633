"""Mel-frequency cepstra of speech, with the frequency axis stretched to the speaker.

Constants as in HTK's and Kaldi's front ends: 25 ms Hann windows every 10 ms, 13 cepstra of a log mel spectrum,
regression deltas over two frames each way. Mel scale: m = 2595 log10(1 + f / 700) (O'Shaughnessy 1987).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy import float32
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16_000
HOP = 160
"""Samples from one frame to the next: 10 ms. Frame n stands for samples [n * HOP, (n + 1) * HOP)."""

BANDS = 40
CEPSTRA = 13

_WINDOW = 400
_FFT = 512
_LOWEST_HZ, _HIGHEST_HZ = 100.0, 5600.0  # the highest band stays below 8 kHz at the widest stretch of 1.4
_DELTA_WEIGHTS = (-2, -1, 0, 1, 2)


def power_spectra(samples: NDArray[float32]) -> NDArray[float32]:
    """Power spectra of mono samples at SAMPLE_RATE_HZ, shape (frames, 257); frames = ceil(samples / HOP)."""
    frames = -(-len(samples) // HOP)
    before = (_WINDOW - HOP) // 2
    padded = np.pad(samples, (before, _WINDOW))
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::HOP][:frames]
    spectra = np.fft.rfft(windows * np.hanning(_WINDOW).astype(float32), _FFT)
    powers: NDArray[float32] = np.square(np.abs(spectra)).astype(float32)
    return powers


def mel_energies(spectra: NDArray[float32], stretch: float = 1.0) -> NDArray[float32]:
    """Energies of mel bands, shape (frames, BANDS). `stretch` moves the bands up for a shorter vocal tract.

    Linear stretching is the classic vocal tract length normalisation (Lee and Rose 1996).
    """
    energies: NDArray[float32] = spectra @ _bands(stretch)
    return energies


def cepstra(log_energies: NDArray[float32]) -> NDArray[float32]:
    """Cepstra and their deltas of log mel energies, shape (frames, 2 * CEPSTRA)."""
    static = log_energies @ _cosines(log_energies.shape[1])
    reach = len(_DELTA_WEIGHTS) // 2
    padded = np.pad(static, ((reach, reach), (0, 0)), mode="edge")
    shifted = [weight * padded[step : step + len(static)] for step, weight in enumerate(_DELTA_WEIGHTS)]
    slope = sum(shifted) / float32(sum(weight**2 for weight in _DELTA_WEIGHTS))
    return np.concatenate([static, slope], axis=1)


@cache
def _cosines(bands: int) -> NDArray[float32]:
    """The first columns of the orthonormal DCT-II; scipy's would take 0.2 s to load, and 10 MB."""
    angles = np.pi / bands * np.outer(np.arange(bands) + 0.5, np.arange(CEPSTRA))
    scale = np.sqrt(np.where(np.arange(CEPSTRA) == 0, 1, 2) / bands)
    return (np.cos(angles) * scale).astype(float32)


@cache
def _bands(stretch: float) -> NDArray[float32]:
    """Triangular bands, shape (257, BANDS)."""
    mels = np.linspace(_mel(_LOWEST_HZ), _mel(_HIGHEST_HZ), BANDS + 2)
    edges_hz = stretch * 700 * (10 ** (mels / 2595) - 1)
    low, centre, high = edges_hz[:-2], edges_hz[1:-1], edges_hz[2:]
    frequencies_hz = np.fft.rfftfreq(_FFT, 1 / SAMPLE_RATE_HZ)[:, None]
    rising, falling = (frequencies_hz - low) / (centre - low), (high - frequencies_hz) / (high - centre)
    return np.clip(np.minimum(rising, falling), 0, None).astype(float32)


def _mel(frequency_hz: float) -> float:
    return float(2595 * np.log10(1 + frequency_hz / 700))
