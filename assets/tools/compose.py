"""Composes the bundled music: `python -m assets.tools.compose` writes three tracks and music.json into assets/music.

Each track is a loop without a seam: notes and echoes that ring past its end are heard at its start. Its first second
is repeated at the end, because the mix crossfades one second where a track starts again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from assets.tools import instruments as play
from orchestrator.film.limiter import Limiter, true_peaks
from orchestrator.film.music import LOOP_FADE_S
from services.media.meter import measure, measure_file
from services.media.sound import amplitude, audio_frame, resampled

FOLDER = Path(__file__).parents[1] / "music"
RATE_HZ = play.RATE_HZ
LOUDNESS_LUFS, TRUE_PEAK_DBTP = -14.0, -2.0
BIT_RATE = 128_000
WAVEFORM_POINTS = 200
_AAC_FRAME = 1024
_FADE = int(LOOP_FADE_S * RATE_HZ)


class Loop:
    """Stereo sound of some beats that begins again where it ends."""

    def __init__(self, beats: int, beats_a_minute: float) -> None:
        """The tempo is moved a little, so that loop and repeated second fill whole AAC frames."""
        wanted = beats * 60 / beats_a_minute * RATE_HZ + _FADE
        self.samples = round(wanted / _AAC_FRAME) * _AAC_FRAME - _FADE
        self._beat = self.samples / beats
        self.beats = beats
        self.beat_s = self._beat / RATE_HZ
        self.sound: NDArray[np.float64] = np.zeros((2, self.samples))

    def add(self, note: play.Note, beat: float, gain: float, pan: float = 0.0) -> None:
        """Plays a note at a beat; `pan` runs from -1, left, to 1, right."""
        places = (round(beat * self._beat) + np.arange(len(note))) % self.samples
        angle = (pan + 1) * np.pi / 4
        for channel, side in zip(self.sound, (np.cos(angle), np.sin(angle)), strict=True):
            np.add.at(channel, places, gain * side * note)

    def room(self, seconds: float, share: float) -> None:
        """Adds the echo of a room that fades by 60 dB in that time."""
        time = np.arange(self.samples) / RATE_HZ
        random = np.random.default_rng(5)
        for index in range(2):
            answer = random.normal(size=self.samples) * np.exp(-6.9 * time / seconds) * np.clip(time / 0.02, 0, 1)
            spectrum = np.fft.rfft(answer / np.sqrt(np.sum(answer**2)))
            spectrum /= 1 + (np.fft.rfftfreq(self.samples, 1 / RATE_HZ) / 3500) ** 2
            self.sound[index] += share * np.fft.irfft(np.fft.rfft(self.sound[index]) * spectrum, self.samples)

    def tone(self, low_hz: float, high_hz: float) -> None:
        """Takes away what is below and above, gently."""
        frequency = np.maximum(np.fft.rfftfreq(self.samples, 1 / RATE_HZ), 1)
        kept = 1 / np.sqrt((1 + (low_hz / frequency) ** 4) * (1 + (frequency / high_hz) ** 2))
        self.sound = np.fft.irfft(np.fft.rfft(self.sound) * kept, self.samples)


def morning_light() -> Loop:
    """Slow and open: strings, a felt piano in broken chords, a few notes of melody. D major, 72 beats a minute."""
    loop = Loop(32, 72)
    random = np.random.default_rng(1)
    chords = [(50, (57, 62, 64, 66)), (47, (54, 59, 62, 66)), (43, (55, 59, 62, 66)), (45, (52, 57, 61, 64))]
    for bar in range(8):
        root, notes = chords[bar % 4]
        for note, pan in zip(notes, (-0.6, 0.5, -0.3, 0.6), strict=True):
            loop.add(play.pad(note, 4 * loop.beat_s), 4 * bar, 0.16, pan)
        loop.add(play.bass(root - 12, 3.6 * loop.beat_s), 4 * bar, 0.3)
        figure = (notes[0], notes[2], notes[1], notes[3], notes[2] + 12, notes[3], notes[1], notes[2])
        for eighth, note in enumerate(figure):
            force = 0.35 + 0.2 * (eighth % 4 == 0) + 0.1 * random.random()
            late = 0.02 * random.random()
            loop.add(play.piano(note + 12, 0.8, force), 4 * bar + eighth / 2 + late, 0.3, 0.35 * random.normal())
    melody = [(2, 78), (3, 81), (4, 83), (6.5, 81), (10, 78), (11, 76), (12, 73), (14.5, 76), (18, 78), (19, 81)]
    melody += [(20, 86), (22.5, 83), (26, 81), (27, 78), (28, 76)]
    for beat, note in melody:
        loop.add(play.piano(note, 1.8, 0.7), beat, 0.38, 0.1)
    loop.room(2.6, 0.45)
    loop.tone(45, 9000)
    return loop


def good_steps() -> Loop:
    """Light and busy: marimba, plucked strings, soft drum, snaps. C major, 104 beats a minute."""
    loop = Loop(48, 104)
    random = np.random.default_rng(2)
    chords = [(48, (60, 64, 67)), (47, (59, 62, 67)), (45, (57, 60, 64)), (41, (57, 60, 65))]
    figures = [(0, 2, 1, 2, 0, 2, 1, 2), (0, 1, 2, 1, 2, 1, 0, 1), (2, 1, 0, 1, 2, 1, 2, 0)]
    for bar in range(12):
        root, notes = chords[bar % 4]
        for beat, length in ((0, 1.2), (1.5, 0.4), (2, 1.2), (3.5, 0.4)):
            loop.add(play.bass(root - 12, length * loop.beat_s), 4 * bar + beat, 0.36)
        for eighth, step in enumerate(figures[bar // 4]):
            force = 0.45 + 0.35 * (eighth in (0, 3, 6)) + 0.1 * random.random()
            loop.add(play.marimba(notes[step] + 12, force), 4 * bar + eighth / 2, 0.36, 0.45)
        for beat in (0.5, 1.5, 2.5, 3.5):
            for order, note in enumerate(notes):
                loop.add(play.guitar(note, 0.22), 4 * bar + beat + 0.025 * order, 0.2, -0.45)
        for beat in (0, 2):
            loop.add(play.kick(), 4 * bar + beat, 0.5)
        for beat in (1, 3):
            loop.add(play.snap(bar * 4 + beat), 4 * bar + beat, 0.16, 0.1)
        for sixteenth in range(16):
            force = 0.55 + 0.45 * (sixteenth % 4 == 2)
            loop.add(play.shaker(force, 100 + sixteenth), 4 * bar + sixteenth / 4, 0.045, -0.2)
    melody = [
        (16, 76),
        (17.5, 79),
        (18.5, 81),
        (20, 79),
        (22, 74),
        (24, 72),
        (25.5, 76),
        (26.5, 79),
        (28, 77),
        (30, 76),
    ]
    melody += [
        (32, 84),
        (33.5, 83),
        (34.5, 79),
        (36, 83),
        (38, 79),
        (40, 76),
        (41.5, 79),
        (42.5, 84),
        (44, 81),
        (46, 79),
    ]
    for beat, note in melody:
        loop.add(play.marimba(note + 12, 0.8), beat, 0.3, 0.0)
        loop.add(play.piano(note, 0.5, 0.5), beat, 0.16, 0.0)
    loop.room(1.1, 0.25)
    loop.tone(45, 11_000)
    return loop


def late_train() -> Loop:
    """Late and easy: electric piano, brushes with a swing, a round bass. C major from its fourth, 78 beats a minute."""
    loop = Loop(32, 78)
    random = np.random.default_rng(3)
    swing = 0.62
    chords = [(41, (57, 60, 64, 67)), (40, (55, 59, 62, 67)), (38, (53, 57, 60, 64)), (36, (52, 55, 59, 62))]
    for bar in range(8):
        root, notes = chords[bar % 4]
        for beat, length, force in ((0, 1.6, 0.6), (1 + swing, 0.7, 0.4), (3, 0.8, 0.45)):
            for order, note in enumerate(notes):
                late = 0.012 * order + 0.01 * random.random()
                loop.add(
                    play.electric_piano(note, length * loop.beat_s, force), 4 * bar + beat + late, 0.2, 0.5 - order / 3
                )
        for beat, step, length in ((0, 0, 1.4), (1 + swing, 7, 0.3), (2, 12, 0.9), (3 + swing, 7, 0.3)):
            loop.add(play.bass(root + step, length * loop.beat_s), 4 * bar + beat, 0.38)
        for beat in (0, 1 + swing, 2 + swing):
            loop.add(play.kick(), 4 * bar + beat, 0.45 if beat == 0 else 0.3)
        for beat in (1, 3):
            loop.add(play.brush(beat + bar), 4 * bar + beat, 0.14, 0.1)
        for eighth in range(8):
            place = eighth // 2 + swing * (eighth % 2)
            loop.add(play.shaker(0.5 + 0.3 * (eighth % 2), 50 + eighth), 4 * bar + place, 0.04, 0.35)
    melody = [
        (2, 76, 1),
        (3, 72, 0.5),
        (3.62, 74, 1.4),
        (8, 77, 1),
        (9, 76, 0.5),
        (9.62, 72, 2),
        (14, 71, 0.6),
        (14.62, 67, 1),
    ]
    melody += [
        (18, 79, 1),
        (19, 76, 0.5),
        (19.62, 74, 1.4),
        (24, 77, 0.6),
        (24.62, 81, 1),
        (26, 79, 1.5),
        (28.62, 76, 2),
    ]
    for beat, note, length in melody:
        loop.add(play.electric_piano(note, length * loop.beat_s, 0.8), beat, 0.3, -0.15)
    loop.room(1.5, 0.22)
    loop.tone(40, 6500)
    return loop


TRACKS: dict[str, tuple[Callable[[], Loop], dict[str, str]]] = {
    "morning-light": (morning_light, {"en": "Morning Light", "zh": "晨光"}),
    "good-steps": (good_steps, {"en": "Good Steps", "zh": "轻快脚步"}),
    "late-train": (late_train, {"en": "Late Train", "zh": "夜行列车"}),
}


def mastered(loop: Loop) -> NDArray[np.float32]:
    """The loop at its loudness, below its peak, with its first second once more at the end."""
    thrice = np.tile(loop.sound, 3).astype(np.float32)  # so that its ends know each other
    peaks, gain_db = true_peaks([thrice]), 0.0
    for _ in range(4):
        limited = Limiter(peaks, amplitude(gain_db), amplitude(TRUE_PEAK_DBTP)).apply(thrice, 0)
        gain_db += LOUDNESS_LUFS - measure([limited]).integrated_lufs
    return limited[:, loop.samples : 2 * loop.samples + _FADE]


def write(path: Path, sound: NDArray[np.float32]) -> None:
    """Writes an M4A."""
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=RATE_HZ, layout="stereo")
        stream.bit_rate = BIT_RATE
        container.mux([*stream.encode(audio_frame(sound, 0)), *stream.encode(None)])


def entry(path: Path, names: dict[str, str]) -> dict[str, object]:
    """What music.json says of a track; `id` is the SHA-256 of the file."""
    loudness = measure_file(path)
    with av.open(str(path)) as container:
        sound = np.concatenate(list(resampled(container.decode(audio=0), "stereo")), axis=1)
    stretches = np.array_split(np.abs(sound).max(axis=0), WAVEFORM_POINTS)
    return {
        "id": hashlib.sha256(path.read_bytes()).hexdigest(),
        "file": path.name,
        "names": names,
        "licence": "CC0-1.0",
        "source": "Composed and synthesised by assets/tools/compose.py",
        "duration_s": round(sound.shape[1] / RATE_HZ, 3),
        "sample_rate_hz": RATE_HZ,
        "channels": 2,
        "loudness_lufs": round(loudness.integrated_lufs, 2),
        "true_peak_dbtp": round(loudness.true_peak_dbtp, 2),
        "waveform": [round(float(stretch.max()), 3) for stretch in stretches],
    }


def main() -> None:
    """Writes all tracks and the manifest."""
    entries = []
    for name, (compose, names) in TRACKS.items():
        path = FOLDER / f"{name}.m4a"
        write(path, mastered(compose()))
        entries.append(entry(path, names))
    text = json.dumps({"music": entries}, ensure_ascii=False, indent=1)
    (FOLDER / "music.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
