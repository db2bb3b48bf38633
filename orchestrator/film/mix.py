"""The film's sound: voice as it is, music ducked under it, loudness brought to target, peaks limited.

Three passes read the voices and the music anew, so that memory does not grow with the film: one over the voice alone
(where speech is, how loud), one over the mix (how loud, which peaks), one that writes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy import float32
from numpy.typing import NDArray

from orchestrator.film.conform import Progress
from orchestrator.film.ducking import HOP_SAMPLES, ducking_db, speech_levels_db
from orchestrator.film.join import VoiceSegment
from orchestrator.film.limiter import Limiter, true_peaks
from orchestrator.film.music import FIELD as MUSIC_FIELD
from orchestrator.film.music import music_blocks
from orchestrator.film.voice_track import voice_blocks
from services.media.meter import Meter, measure, measure_file
from services.media.recording import Recording
from services.media.sound import (
    AAC_BIT_RATE,
    SAMPLES_A_FRAME,
    SOUND_RATE_HZ,
    Sound,
    amplitude,
    at_samples,
    audio_frame,
    rechunked,
    stereo,
)

TRUE_PEAK_DBTP = -1.0
REFERENCE_LUFS = -14.0
"""Voice and music are mixed with the voice at this loudness, so that a gain of the music means the same everywhere."""
_ENCODER_ROOM_DB = 0.5  # what AAC may add to a peak; the result is measured, and more room left if that was not enough
_TOLERANCE_LU = 0.4
_MOST_TRIM_DB = 0.19
_SETTLED_LU = 0.1
_MOST_GAIN_DB = 24.0
_SILENT_LUFS = -60.0
_TRIES = 4
_PASSES = 5  # over the film, as progress counts them: voice, mix, two to settle, encoding


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
    mix = _Mix(voices, music if music and music.gain_db > -math.inf else None, progress)
    wanted_db = -mix.voice_db if loudness_lufs is None else mix.gain_db(loudness_lufs)
    ceiling_db = TRUE_PEAK_DBTP - _ENCODER_ROOM_DB
    for _ in range(_TRIES):
        gain_db = wanted_db if loudness_lufs is None else mix.settled_db(wanted_db, ceiling_db)
        _encode(mix.limited(gain_db, ceiling_db), target)
        result = measure_file(target)
        if result.true_peak_dbtp <= TRUE_PEAK_DBTP:
            break
        ceiling_db -= result.true_peak_dbtp - TRUE_PEAK_DBTP + 0.1
    progress(mix.frames, mix.frames)
    gain_db += mix.voice_db
    return MixReport(target, mix.frames, result.integrated_lufs, result.true_peak_dbtp, gain_db, mix.music_notes())


class _Mix:
    """Voice and music of one film, read anew for every pass. Keeps one level per hop and one peak per millisecond."""

    def __init__(self, voices: Sequence[VoiceSegment], music: MusicBed | None, progress: Progress) -> None:
        self._voices, self._music, self._progress = voices, music, progress
        self._track = Recording(music.path, MUSIC_FIELD) if music else None
        self._music_heard = False
        self.frames = sum(voice.frames for voice in voices)
        self._samples_read = 0
        voice, whole = Meter(), Meter()
        levels_db = speech_levels_db(voice.passing(self._counted(voice_blocks(voices))))
        self.voice_db = _to_target_db(voice.read().integrated_lufs, REFERENCE_LUFS)
        self._music_db = ducking_db(levels_db, music.ducking_db) + music.gain_db if music else levels_db
        self._peaks = true_peaks(whole.passing(self._blocks()))
        self._lufs = whole.read().integrated_lufs

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

    def settled_db(self, wanted_db: float, ceiling_db: float) -> float:
        """Gain that gives, once limited, the loudness that `wanted_db` gives without limiting."""
        gain_db = wanted_db
        for _ in range(_TRIES):
            if amplitude(gain_db) * self._peaks.max() <= amplitude(ceiling_db):
                break
            lost_lu = self._lufs + wanted_db - measure(self.limited(gain_db, ceiling_db)).integrated_lufs
            gain_db += lost_lu
            if abs(lost_lu) < _SETTLED_LU:
                break
        return gain_db

    def limited(self, gain_db: float, ceiling_db: float) -> Iterator[Sound]:
        """The finished sound."""
        limiter = Limiter(self._peaks, amplitude(gain_db), amplitude(ceiling_db))
        for second, block in enumerate(self._blocks()):
            yield limiter.apply(block, second * SOUND_RATE_HZ)

    def _blocks(self) -> Iterator[Sound]:
        """Voice and music, a second at a time."""
        gain = float32(amplitude(self.voice_db))
        blocks = self._counted(rechunked(voice_blocks(self._voices), SOUND_RATE_HZ))
        voice = (stereo(gain * block) for block in blocks)
        if self._track is None:
            yield from voice
            return
        assert self._music is not None
        bed = music_blocks(self._track, self.frames * SAMPLES_A_FRAME, self._music.start_s)
        played = rechunked(bed, SOUND_RATE_HZ)
        for second, (spoken, music) in enumerate(zip(voice, played, strict=True)):
            self._music_heard = self._music_heard or bool(music.any())
            yield spoken + music * self._music_gain(second * SOUND_RATE_HZ, spoken.shape[1])

    def _music_gain(self, first_sample: int, samples: int) -> NDArray[float32]:
        return np.power(10, at_samples(self._music_db, HOP_SAMPLES, first_sample, samples) / 20, dtype=float32)

    def _counted(self, blocks: Iterable[Sound]) -> Iterator[Sound]:
        for block in blocks:
            self._samples_read += block.shape[1]
            done = self._samples_read // (_PASSES * SAMPLES_A_FRAME)
            self._progress(min(done, self.frames), self.frames)
            yield block


def _to_target_db(lufs: float, target_lufs: float) -> float:
    return 0.0 if lufs < _SILENT_LUFS else min(_MOST_GAIN_DB, target_lufs - lufs)


def _encode(blocks: Iterable[Sound], target: Path) -> None:
    with av.open(str(target), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=SOUND_RATE_HZ, layout="stereo")
        stream.bit_rate = AAC_BIT_RATE
        samples = 0
        for block in blocks:
            container.mux(stream.encode(audio_frame(block, samples)))
            samples += block.shape[1]
        container.mux(stream.encode(None))
