"""Voices and music that tests make, and sound that they read back."""

from __future__ import annotations

import wave
from pathlib import Path

import av
import numpy as np

from services.media.sound import SAMPLES_A_FRAME, resampled
from services.media.timeline import samples_per_frame

RATE_HZ = 24_000


def speech(duration_s: float, rate_hz: int = RATE_HZ, level: float = 0.1, seed: int = 0) -> np.ndarray:
    """Something that rises and falls in syllables, with the spectrum of a voice: float (samples,)."""
    random = np.random.default_rng(seed)
    time = np.arange(round(duration_s * rate_hz)) / rate_hz
    pitch = 120 + 20 * np.sin(2 * np.pi * 0.7 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / rate_hz
    voiced = sum(np.sin(harmonic * phase) / harmonic for harmonic in range(1, 25))
    syllables = 0.15 + 0.85 * np.sin(np.pi * 4 * time) ** 2
    return level * syllables * (voiced + 0.1 * random.normal(size=len(time)))


def write_voice(path: Path, samples: np.ndarray, rate_hz: int = RATE_HZ) -> Path:
    """A mono WAV of float samples."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def write_music(path: Path, samples: np.ndarray, rate_hz: int = 44_100, codec: str = "flac") -> Path:
    """A file of float samples (channels, samples)."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate_hz, layout="mono" if len(samples) == 1 else "stereo")
        pcm = np.ascontiguousarray((np.clip(samples, -1, 1).T * 32767).astype(np.int16).reshape(1, -1))
        frame = av.AudioFrame.from_ndarray(pcm, format="s16", layout=stream.layout)
        frame.sample_rate = rate_hz
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def read_sound(path: Path) -> np.ndarray:
    """Stereo float32 (2, samples) at 48 kHz from time 0 on; what comes before it, players leave out."""
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
        before = max(0, round(-frames[0].time * 48_000))
        return np.concatenate(list(resampled(frames, "stereo")), axis=1)[:, before:]


def frames_of_samples(samples: int, rate_hz: int = RATE_HZ) -> int:
    """Film frames that hold the samples."""
    return -(-samples // samples_per_frame(rate_hz))


def film_sample(time_s: float) -> int:
    """The film's sample at a time."""
    return round(time_s * 25 * SAMPLES_A_FRAME)


def rms_db(sound: np.ndarray) -> float:
    """Level in dBFS."""
    return float(10 * np.log10(np.mean(np.square(sound, dtype=float)) + 1e-20))
