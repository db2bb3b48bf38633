"""Voice and music of one film, laid over each other and measured, and what limits them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy import float32
from numpy.typing import NDArray

from orchestrator.film.conform import Progress
from orchestrator.film.ducking import HOP_SAMPLES as DUCKING_HOP_SAMPLES
from orchestrator.film.ducking import ducking_db, speech_levels_db
from orchestrator.film.join import VoiceSegment
from orchestrator.film.limiter import HOP_SAMPLES, Limiter, powers, true_peaks
from orchestrator.film.music import FIELD as MUSIC_FIELD
from orchestrator.film.music import MusicBed, music_blocks
from orchestrator.film.spool import Spool
from orchestrator.film.voice_track import voice_blocks
from services.media.meter import MOMENTARY_HOP_S, MOMENTARY_S, Meter, integrated_lufs
from services.media.recording import Recording
from services.media.sound import SAMPLES_A_FRAME, SOUND_RATE_HZ, Sound, ahead, amplitude, at_samples, rechunked

TRUE_PEAK_DBTP = -1.0
REFERENCE_LUFS = -14.0
"""Voice and music are mixed with the voice at this loudness, so that a gain of the music means the same everywhere."""
_ENCODER_ROOM_DB = 0.5
"""What AAC may add to a peak. Where it adds more, that place is made softer and the sound encoded again."""
_TOLERANCE_LU = 0.4
_MOST_TRIM_DB = 0.19
_SETTLED_LU, _SETTLING_STEPS = 0.05, 12
_MOST_GAIN_DB = 24.0
_SILENT_LUFS = -60.0
_PASSES = 3  # over the film, as progress counts them: voice, mix, encoding


class Mixture:
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
        meter = Meter()
        peaks: list[NDArray[float32]] = []
        power: list[NDArray[float32]] = []
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
