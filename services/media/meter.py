"""Loudness and true peak by FFmpeg's EBU R 128 meter (ITU-R BS.1770-4)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.filter import Graph
from numpy.typing import NDArray

from services.media.sound import SOUND_RATE_HZ, Sound, audio_frame, resampled

SILENCE_LUFS = -70.0
"""The absolute gate: softer sound does not count, and sound that is never louder is silence."""

MOMENTARY_S, MOMENTARY_HOP_S = 0.4, 0.1
_RELATIVE_GATE_LU = 10.0


@dataclass(frozen=True)
class Loudness:
    """Integrated loudness, loudness range and true peak of some sound; -inf dBTP for silence or when not measured."""

    integrated_lufs: float
    range_lu: float
    true_peak_dbtp: float


class Meter:
    """Measures sound at 48 kHz as it passes. Mono is measured as it will sound: on both channels."""

    def __init__(self, *, with_peak: bool = False) -> None:
        """Measuring the true peak, oversampled four times, takes most of the time."""
        self._graph, self._with_peak = Graph(), with_peak
        self._samples = 0
        self._figures: dict[str, str] = {}
        self._momentary_lufs: list[float] = []
        self._peak = 0.0

    def passing(self, blocks: Iterable[Sound]) -> Iterator[Sound]:
        """The same blocks, measured."""
        for block in blocks:
            self.push(block)
            yield block

    def push(self, sound: Sound) -> None:
        """Measures mono or stereo sound, all of it the same."""
        if not self._samples:
            self._configure(len(sound))
        self._graph.push(audio_frame(sound, self._samples))
        self._samples += sound.shape[1]
        self._pull()

    def read(self) -> Loudness:
        """The figures of all that was pushed; ends the measurement."""
        if self._samples:
            self._graph.push(None)
            self._pull()
        return Loudness(
            integrated_lufs=float(self._figures.get("lavfi.r128.I", SILENCE_LUFS)),
            range_lu=float(self._figures.get("lavfi.r128.LRA", 0)),
            true_peak_dbtp=20 * math.log10(self._peak) if self._peak else -math.inf,
        )

    def _configure(self, channels: int) -> None:
        layout, options = "stereo" if channels == 2 else "mono", "metadata=1:dualmono=true"
        source = self._graph.add_abuffer(
            sample_rate=SOUND_RATE_HZ, format="fltp", layout=layout, time_base=Fraction(1, SOUND_RATE_HZ)
        )
        meter = self._graph.add("ebur128", f"{options}:peak=true" if self._with_peak else options)
        self._graph.link_nodes(source, meter, self._graph.add("abuffersink")).configure()

    @property
    def momentary_lufs(self) -> NDArray[np.float64]:
        """Loudness of the last 400 ms, each 100 ms: what integrated loudness is made of."""
        return np.array(self._momentary_lufs)

    def _pull(self) -> None:
        while True:
            try:
                frame = self._graph.pull()
            except (BlockingIOError, EOFError):
                return
            self._figures = frame.metadata or self._figures  # the last, shorter frame has none
            self._momentary_lufs.append(float(self._figures.get("lavfi.r128.M", SILENCE_LUFS)))
            self._peak = max(self._peak, float(self._figures.get("lavfi.r128.true_peak", 0)))


def integrated_lufs(momentary_lufs: NDArray[np.float64]) -> float:
    """Integrated loudness of these blocks of 400 ms, gated as ITU-R BS.1770-4 says."""
    heard = momentary_lufs[momentary_lufs > SILENCE_LUFS]
    if not len(heard):
        return SILENCE_LUFS
    loud = heard[heard > _mean_lufs(heard) - _RELATIVE_GATE_LU]
    return _mean_lufs(loud)


def _mean_lufs(lufs: NDArray[np.float64]) -> float:
    return float(10 * np.log10(np.mean(10 ** (lufs / 10))))


def measure(blocks: Iterable[Sound], *, with_peak: bool = False) -> Loudness:
    """Measures sound at 48 kHz."""
    meter = Meter(with_peak=with_peak)
    for block in blocks:
        meter.push(block)
    return meter.read()


def measure_file(path: Path) -> Loudness:
    """Measures the first sound stream of a file of ours, true peak included."""
    with av.open(str(path)) as container:
        return measure(resampled(container.decode(audio=0), "stereo"), with_peak=True)
