"""The film's sound: voice as it is, music ducked under it, loudness brought to target, peaks limited.

The voices are decoded once (where speech is, how loud), then mixed with the music (how loud, which peaks), then limited
and encoded. What passes is kept on disk, so that memory does not grow with the film. What limiting takes from the
loudness is worked out from one level a millisecond, so that making up for it needs no further pass.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import av
import numpy as np
from numpy import float32
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from orchestrator.film.conform import Progress
from orchestrator.film.ducking import HOP_SAMPLES as DUCKING_HOP_SAMPLES
from orchestrator.film.ducking import ducking_db, speech_levels_db
from orchestrator.film.join import VoiceSegment
from orchestrator.film.limiter import HOP_SAMPLES, Limiter, powers, true_peaks
from orchestrator.film.music import FIELD as MUSIC_FIELD
from orchestrator.film.music import music_blocks
from orchestrator.film.voice_track import voice_blocks
from services.media.meter import MOMENTARY_HOP_S, MOMENTARY_S, Meter, integrated_lufs
from services.media.recording import Recording
from services.media.sound import (
    AAC_BIT_RATE,
    AAC_OPTIONS,
    SAMPLES_A_FRAME,
    SOUND_RATE_HZ,
    VOICE_AAC_BIT_RATE,
    Sound,
    ahead,
    amplitude,
    at_samples,
    audio_frame,
    rechunked,
    stereo,
)
from services.media.spool import Spool

TRUE_PEAK_DBTP = -1.0
REFERENCE_LUFS = -14.0
"""Voice and music are mixed with the voice at this loudness, so that a gain of the music means the same everywhere."""
_ENCODER_ROOM_DB = 0.5
"""What AAC may add to a peak. Where it adds more, that place is made softer and the sound encoded again."""
_METER_DB = 0.05  # by which meters of true peaks differ
_EXCESS_HOPS = 30  # before and behind a peak that came out too high
_TOLERANCE_LU = 0.4
_MOST_TRIM_DB = 0.19
_SETTLED_LU, _SETTLING_STEPS = 0.05, 12
_MOST_GAIN_DB = 24.0
_SILENT_LUFS = -60.0
_TRIES = 4
_PASSES = 3  # over the film, as progress counts them: voice, mix, encoding


@dataclass(frozen=True)
class MusicBed:
    """Music under the voice: `gain_db` relative to the file's own level, lowered by `ducking_db` while there is speech.

    The gain is for a film whose voice is at -14 LUFS, where a player gives the music the same gain; at another loudness
    both are moved together. The film begins with second `start_s` of the music.
    """

    path: Path
    gain_db: float = -18.0
    ducking_db: float = 8.0
    start_s: float = 0.0


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
) -> MixReport:
    """Writes the film's sound to `target` (M4A). `loudness_lufs` None leaves the voice at its own level.

    The voice alone decides the gain, so that music does not change how loud it is. Only when music moves the whole
    by more than 0.4 LU is all of it raised or lowered, by less than 0.2 dB. Raises InvalidInputError (field
    "spec.music") for music that cannot be read.
    """
    heard = music if music and music.gain_db > -math.inf else None
    with Spool(target.parent, 1) as voice, Spool(target.parent, 2 if heard else 1) as whole:
        mix = _Mix(voices, heard, voice, whole, progress)
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


class _Mix:
    """Voice and music of one film. Keeps levels and peaks: per film second some kilobytes."""

    def __init__(
        self,
        voices: Sequence[VoiceSegment],
        music: MusicBed | None,
        voice: Spool,
        whole: Spool,
        progress: Progress,
    ) -> None:
        self._music, self._progress, self._whole = music, progress, whole
        self._track = Recording(music.path, MUSIC_FIELD) if music else None
        self._music_heard = False
        self.frames = sum(voice.frames for voice in voices)
        self._samples_read = 0
        meter = Meter()
        spoken = self._counted(rechunked(voice_blocks(voices), SOUND_RATE_HZ))
        levels_db = speech_levels_db(meter.passing(voice.passing(spoken)))
        self.voice_db = _to_target_db(meter.read().integrated_lufs, REFERENCE_LUFS)
        self._music_db = ducking_db(levels_db, music.ducking_db) + music.gain_db if music else levels_db
        self._measure(self._mixed(voice))

    def _measure(self, blocks: Iterable[Sound]) -> None:
        meter, peaks, power = Meter(), [], []
        for block in meter.passing(self._whole.passing(ahead(blocks))):
            peaks.append(true_peaks([block]))
            power.append(powers([block]))
        self._lufs, self._momentary_lufs = meter.read().integrated_lufs, meter.momentary_lufs
        self._peaks, self._powers = np.concatenate(peaks), np.concatenate(power)

    @property
    def hops(self) -> int:
        """Milliseconds of the film."""
        return len(self._peaks)

    def music_notes(self) -> tuple[str, ...]:
        """What a report should say of the music, as far as it was read."""
        if self._track is None:
            return ()
        return (*self._track.notes(), *([] if self._music_heard else ["It is silent for as long as the film lasts."]))

    def gain_db(self, target_lufs: float) -> float:
        """Gain of the whole that brings the voice to the target, and the whole near to it."""
        by_voice_db, by_whole_db = target_lufs - REFERENCE_LUFS, _to_target_db(self._lufs, target_lufs)
        if not self.voice_db:
            return by_whole_db
        missing_db = by_whole_db - by_voice_db
        trim_db = min(_MOST_TRIM_DB, max(0.0, abs(missing_db) - _TOLERANCE_LU))
        return by_voice_db + math.copysign(trim_db, missing_db)

    def limiter(self, wanted_db: float, excess: NDArray[float32], *, settled: bool) -> tuple[Limiter, float]:
        """What keeps the peaks, and the gain in it; `settled`: it is as loud as with `wanted_db` and no limits."""
        gain_db, ceiling = wanted_db, amplitude(TRUE_PEAK_DBTP - _ENCODER_ROOM_DB)
        for _ in range(_SETTLING_STEPS):
            limiter = Limiter(self._peaks, amplitude(gain_db), ceiling, excess)
            lost_lu = self._lost_lu(limiter.factors()) - (gain_db - wanted_db)
            if not settled or abs(lost_lu) < _SETTLED_LU:
                break
            gain_db += lost_lu
        return limiter, gain_db

    def _lost_lu(self, factors: NDArray[float32]) -> float:
        """By how much the whole is softer with these factors, one a hop."""
        if factors.min() == 1 or not len(self._momentary_lufs):
            return 0.0
        left, whole = _momentary(self._powers * np.square(factors)), _momentary(self._powers)
        blocks = slice(0, min(len(left), len(self._momentary_lufs)))
        share = np.maximum(left[blocks], 1e-12) / np.maximum(whole[blocks], 1e-12)
        momentary_lufs = self._momentary_lufs[blocks]
        return integrated_lufs(momentary_lufs) - integrated_lufs(momentary_lufs + 10 * np.log10(share))

    def limited(self, limiter: Limiter) -> Iterator[Sound]:
        """The finished sound."""
        for second, block in enumerate(self._counted(self._whole.blocks())):
            yield limiter.apply(block, second * SOUND_RATE_HZ)

    def _mixed(self, spoken: Spool) -> Iterator[Sound]:
        """Voice and music, a second at a time; mono where there is no music."""
        gain = float32(amplitude(self.voice_db))
        voice = (gain * block for block in self._counted(spoken.blocks()))
        if self._track is None:
            yield from voice
            return
        assert self._music is not None
        bed = music_blocks(self._track, self.frames * SAMPLES_A_FRAME, self._music.start_s)
        played = rechunked(bed, SOUND_RATE_HZ)
        for second, (said, music) in enumerate(zip(voice, played, strict=True)):
            self._music_heard = self._music_heard or bool(music.any())
            yield said + music * self._music_gain(second * SOUND_RATE_HZ, said.shape[1])

    def _music_gain(self, first_sample: int, samples: int) -> NDArray[float32]:
        return np.power(10, at_samples(self._music_db, DUCKING_HOP_SAMPLES, first_sample, samples) / 20, dtype=float32)

    def _counted(self, blocks: Iterable[Sound]) -> Iterator[Sound]:
        for block in blocks:
            self._samples_read += block.shape[1]
            done = self._samples_read // (_PASSES * SAMPLES_A_FRAME)
            self._progress(min(done, self.frames), self.frames)
            yield block


def _to_target_db(lufs: float, target_lufs: float) -> float:
    return 0.0 if lufs < _SILENT_LUFS else min(_MOST_GAIN_DB, target_lufs - lufs)


def _momentary(power: NDArray[float32]) -> NDArray[np.float64]:
    """Sum of the power, one value a hop, in the last 400 ms, each 100 ms."""
    hop, block = (round(seconds * SOUND_RATE_HZ / HOP_SAMPLES) for seconds in (MOMENTARY_HOP_S, MOMENTARY_S))
    sums = np.concatenate([np.zeros(block), np.cumsum(power, dtype=float)])
    ends = np.arange(block + hop, len(sums), hop)
    return np.asarray(sums[ends] - sums[ends - block])


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
