"""Loudness and true peak by FFmpeg's EBU R 128 meter (ITU-R BS.1770-4)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.filter import Graph

from services.media.sound import SOUND_RATE_HZ, Sound, audio_frame, resampled, stereo

SILENCE_LUFS = -70.0
"""The absolute gate: softer sound does not count, and sound that is never louder is silence."""


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
        self._graph = Graph()
        source = self._graph.add_abuffer(
            sample_rate=SOUND_RATE_HZ, format="fltp", layout="stereo", time_base=Fraction(1, SOUND_RATE_HZ)
        )
        meter = self._graph.add("ebur128", "metadata=1:peak=true" if with_peak else "metadata=1")
        self._graph.link_nodes(source, meter, self._graph.add("abuffersink")).configure()
        self._samples = 0
        self._figures: dict[str, str] = {}
        self._peak = 0.0

    def passing(self, blocks: Iterable[Sound]) -> Iterator[Sound]:
        """The same blocks, measured."""
        for block in blocks:
            self.push(block)
            yield block

    def push(self, sound: Sound) -> None:
        """Measures mono or stereo sound."""
        self._graph.push(audio_frame(stereo(sound) if len(sound) == 1 else sound, self._samples))
        self._samples += sound.shape[1]
        self._pull()

    def read(self) -> Loudness:
        """The figures of all that was pushed; ends the measurement."""
        self._graph.push(None)
        self._pull()
        return Loudness(
            integrated_lufs=float(self._figures.get("lavfi.r128.I", SILENCE_LUFS)),
            range_lu=float(self._figures.get("lavfi.r128.LRA", 0)),
            true_peak_dbtp=20 * math.log10(self._peak) if self._peak else -math.inf,
        )

    def _pull(self) -> None:
        while True:
            try:
                frame = self._graph.pull()
            except (BlockingIOError, EOFError):
                return
            self._figures = frame.metadata or self._figures  # the last, shorter frame has none
            self._peak = max(self._peak, float(self._figures.get("lavfi.r128.true_peak", 0)))


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
