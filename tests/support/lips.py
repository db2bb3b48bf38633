"""How well the lips in film frames fit the sounds that are spoken, and natural speech whose sounds are known."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
from numpy import float64, int16
from numpy.typing import NDArray

from assets.tools.mouth.articulation import GLIDES, LABIALS, LIPS, PAUSE, VOWELS, Phone, Sound, heard_sounds
from assets.tools.mouth.lessons import Speech, levels_db
from services.lipsync.warp.shapes import mouth_shapes
from services.lipsync.warp.spectra import STEPS

CLIPS = Path(__file__).parents[1] / "cases" / "kokoro"
CLIP_RATE_HZ = 24_000

SHUT = 0.15  # of the full opening
_ROUND = -0.3
_LONG_STEPS = 8
_UNROUNDED = frozenset("aæʌɛiʌe")


@dataclass
class Seen:
    """What was seen of each sound. `heights` and `openings`: of the vowels, as it should be and as it was."""

    closed: list[bool] = field(default_factory=list)
    rounded: list[bool] = field(default_factory=list)
    wrongly_rounded: list[bool] = field(default_factory=list)
    shut_vowels: list[bool] = field(default_factory=list)
    open_pauses: list[bool] = field(default_factory=list)
    heights: list[float] = field(default_factory=list)
    openings: list[float] = field(default_factory=list)

    @property
    def follows_height(self) -> float:
        """Correlation of the openness in the middle of vowels with their height."""
        return float(np.corrcoef(self.heights, self.openings)[0, 1])

    def __str__(self) -> str:
        shares = {name: found for name, found in vars(self).items() if name not in {"heights", "openings"}}
        told = [f"{name} {np.mean(found):.2f} of {len(found)}" for name, found in shares.items() if found]
        return f"{', '.join(told)}, height {self.follows_height:.2f}"

    def look(self, sounds: Sequence[Sound], shapes: NDArray[float64]) -> None:
        """Judges the shapes (frames, 3) of a film with these sounds."""
        full = float(np.percentile(shapes[:, 0], 95))
        for number, sound in enumerate(sounds):
            shown = shapes[sound.start // STEPS : (sound.end - 1) // STEPS + 1]
            middle = shapes[min(len(shapes) - 1, (sound.start + sound.end) // (2 * STEPS))]
            long = sound.end - sound.start >= _LONG_STEPS
            if sound.name in LABIALS and _between_vowels(sounds, number):
                self.closed.append(bool(shown[:, 0].min() <= SHUT * full))
            elif sound.name == "w" or (sound.name in "uoy" and long):
                self.rounded.append(bool(shown[:, 1].min() < _ROUND if sound.name == "w" else middle[1] < _ROUND))
            elif sound.name in _UNROUNDED and long:
                self.wrongly_rounded.append(bool(middle[1] < _ROUND))
            elif sound.name == PAUSE and sound.end - sound.start > 5 * STEPS:
                settled = shapes[sound.start // STEPS + 2 : sound.end // STEPS - 2, 0]
                self.open_pauses.append(bool(settled.max(initial=0) > 0.1))
            if sound.name in VOWELS and long:
                self.heights.append(LIPS[sound.name].openness or 0)
                self.openings.append(float(middle[0]))
            if sound.name in "aæ" and long:
                self.shut_vowels.append(bool(shown[:, 0].max() <= SHUT))


def seen(speeches: Iterable[tuple[Speech, NDArray[int16]]]) -> Seen:
    """What the lips do in speeches, each with its recording."""
    found = Seen()
    for speech, pcm in speeches:
        shapes = shapes_of(pcm, speech.sample_rate_hz)
        found.look(heard_sounds(speech.phones, levels_db(speech, STEPS * len(shapes))), shapes)
    return found


def shapes_of(pcm: NDArray[int16], sample_rate_hz: int) -> NDArray[float64]:
    """Openness, width, closure of every film frame, shape (frames, 3)."""
    shapes = mouth_shapes([pcm], sample_rate_hz)
    return np.array([(shape.openness, shape.width, shape.closure) for shape in shapes]).reshape(-1, 3)


def recorded(speech: Speech, level: float = 0.5) -> NDArray[int16]:
    """The speech as it is."""
    return (speech.samples * level * 32_767).astype(int16)


def clip(voice: str) -> Speech:
    """Sentences of a voice of Kokoro's that no lesson has, with the model's own times of every sound."""
    with av.open(str(CLIPS / f"{voice}.opus")) as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=CLIP_RATE_HZ)
        frames = [out for frame in [*container.decode(audio=0), None] for out in resampler.resample(frame)]
    samples = np.concatenate([frame.to_ndarray()[0] for frame in frames]).astype(float64)
    sounds = json.loads((CLIPS / "sounds.json").read_text(encoding="utf-8"))[voice]
    return Speech(samples / np.abs(samples).max(), CLIP_RATE_HZ, [Phone(name, start_s) for name, start_s in sounds])


def clip_voices() -> list[str]:
    """Voices that clips are of."""
    return sorted(path.stem for path in CLIPS.glob("*.opus"))


def _between_vowels(sounds: Sequence[Sound], number: int) -> bool:
    """Whether a labial stands between vowels; the breath after it does not count."""
    near = [sound.name for sound in sounds[number + 1 : number + 3] if sound.name != "h"]
    voiced = VOWELS | GLIDES | {"h"}
    return number > 0 and sounds[number - 1].name in voiced and bool(near) and near[0] in voiced
