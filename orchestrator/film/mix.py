"""The film's sound: voice as it is, music ducked under it, loudness brought to target, peaks limited.

The voices are decoded once (where speech is, how loud), then mixed with the music (how loud, which peaks), then limited
and encoded. What passes is kept on disk, so that memory does not grow with the film. What limiting takes from the
loudness is worked out from one level a millisecond, so that making up for it needs no further pass.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import av
import numpy as np
from numpy import float32
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from orchestrator.film.conform import Progress
from orchestrator.film.join import VoiceSegment
from orchestrator.film.limiter import true_peaks
from orchestrator.film.mixture import TRUE_PEAK_DBTP, Mixture
from orchestrator.film.music import MusicBed
from orchestrator.film.spool import Spool
from services.media.meter import Meter
from services.media.sound import (
    AAC_BIT_RATE,
    AAC_OPTIONS,
    SOUND_RATE_HZ,
    VOICE_AAC_BIT_RATE,
    Sound,
    ahead,
    amplitude,
    audio_frame,
    rechunked,
    stereo,
)

_METER_DB = 0.05  # by which meters of true peaks differ
_EXCESS_HOPS = 30  # before and behind a peak that came out too high
_TRIES = 4


@dataclass(frozen=True)
class MixReport:
    """The finished sound: AAC 48 kHz stereo in an M4A, exactly `frames` film frames long; figures by EBU R 128.

    `gain_db` is what the voice was raised by, limiting aside; `music_notes` are sentences on what was skipped.
    """

    path: Path
    frames: int
    integrated_lufs: float
    true_peak_dbtp: float
    gain_db: float
    music_notes: tuple[str, ...] = ()


def gain_db_of_slider(position: float) -> float:
    """Gain of a volume slider, 0 to 100: 0 -> -inf, 25 -> -30, 50 -> -18, 100 -> -6 dB.

    -6 + 12 log2(position / 100): half the position is 12 dB less. The studio uses the same formula for what is heard
    there, as a factor 10 ** (-6 / 20) * (position / 100) ** 1.993.
    """
    return -6 + 12 * math.log2(position / 100) if position > 0 else -math.inf


def mix_film(
    voices: Sequence[VoiceSegment],
    target: Path,
    *,
    music: MusicBed | None = None,
    loudness_lufs: float | None = -14.0,
    progress: Progress = lambda _done, _total: None,
    spools: Sequence[Path] = (),
) -> MixReport:
    """Writes the film's sound to `target` (M4A). `loudness_lufs` None leaves the voice at its own level.

    `spools` are two files for what it keeps meanwhile, where it may make none of its own beside `target`.

    The voice alone decides the gain, so that music does not change how loud it is. Only when music moves the whole
    by more than 0.4 LU is all of it raised or lowered, by less than 0.2 dB. Raises InvalidInputError (field
    "spec.music") for music that cannot be read.
    """
    heard = music if music and music.gain_db > -math.inf else None
    voice_file, whole_file = spools or (None, None)
    with Spool(target.parent, 2 if heard else 1, whole_file) as whole:
        with Spool(target.parent, 1, voice_file) as voice:
            mix = Mixture(voices, heard, voice, whole, progress)
        wanted_db = -mix.voice_db if loudness_lufs is None else mix.gain_db(loudness_lufs)
        excess = np.ones(mix.hops, float32)
        for _ in range(_TRIES):
            limiter, gain_db = mix.limiter(wanted_db, excess, settled=loudness_lufs is not None)
            _encode(mix.limited(limiter), target, AAC_BIT_RATE if heard else VOICE_AAC_BIT_RATE)
            lufs, peaks = _heard(target)
            if peaks.max() <= amplitude(TRUE_PEAK_DBTP - _METER_DB):
                break
            excess *= _excess(peaks, amplitude(TRUE_PEAK_DBTP - _METER_DB), mix.hops)
    progress(mix.frames, mix.frames)
    peak_dbtp = 20 * math.log10(peaks.max()) if peaks.any() else -math.inf
    return MixReport(target, mix.frames, lufs, peak_dbtp, gain_db + mix.voice_db, mix.music_notes())


def _encode(blocks: Iterable[Sound], target: Path, bit_rate: int) -> None:
    with av.open(str(target), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=SOUND_RATE_HZ, layout="stereo", options=AAC_OPTIONS)
        stream.bit_rate = bit_rate
        samples = 0
        for block in ahead(blocks):
            container.mux(stream.encode(audio_frame(stereo(block) if len(block) == 1 else block, samples)))
            samples += block.shape[1]
        container.mux(stream.encode(None))


def _heard(path: Path) -> tuple[float, NDArray[float32]]:
    """Integrated loudness, and the true peak of each millisecond, of what players decode."""
    meter = Meter()
    with av.open(str(path)) as container:
        decoded = (cast("Sound", frame.to_ndarray()) for frame in container.decode(audio=0))
        peaks = true_peaks(meter.passing(rechunked(decoded, SOUND_RATE_HZ)))
    return meter.read().integrated_lufs, peaks


def _excess(peaks: NDArray[float32], ceiling: float, hops: int) -> NDArray[float32]:
    """By which factors peaks, one a hop, are above the ceiling, with a little more and some hops around."""
    above = np.where(peaks > ceiling, peaks / float32(ceiling) * float32(1.01), float32(1))[:hops]
    padded = np.pad(above, (_EXCESS_HOPS, _EXCESS_HOPS + hops - len(above)), constant_values=1)
    return np.asarray(sliding_window_view(padded, 2 * _EXCESS_HOPS + 1).max(axis=1), float32)
