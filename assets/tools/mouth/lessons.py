"""What the network learns from: speech of espeak-ng and of Kokoro, spoiled, and sound in which nobody speaks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy import float32, float64
from numpy.random import Generator
from numpy.typing import NDArray

from assets.tools.mouth import espeak_speech
from assets.tools.mouth.articulation import STEP_S, Phone, trajectory
from assets.tools.mouth.kokoro_speech import SAMPLE_RATE_HZ, Kokoro
from assets.tools.mouth.spoiling import bed_alone, other_rate, spoiled
from services.espeak.library import SAMPLE_RATE_HZ as ESPEAK_RATE_HZ
from services.espeak.narration import voice_of
from services.lipsync.warp.spectra import spectra

WORDS = Path(__file__).with_name("words.txt")
LINES = Path(__file__).with_name("kokoro_lines.tsv")

VARIANTS = [
    "m1",
    "m2",
    "m3",
    "m4",
    "m7",
    "f1",
    "f2",
    "f3",
    "f5",
    "Alex",
    "Andrea",
    "Andy",
    "Denis",
    "Gene",
    "Jacky",
    "Lee",
    "Marco",
    "Mario",
    "Michael",
    "adam",
    "belinda",
    "benjamin",
    "caleb",
    "david",
    "edward",
    "iven3",
    "john",
    "linda",
    "max",
    "norbert",
    "pablo",
    "quincy",
    "rob",
    "shelby",
    "steph2",
    "travis",
    "victor",
    "zac",
    "klatt2",
    "klatt5",
    "aunty",
    "grandma",
    "anika",
    "antonio",
    "ed",
    "miguel",
]
"""Of espeak-ng; the tests listen to others."""

_ACCENTS = ("en-us", "en-us", "en-gb", "en-gb-scotland", "en-029", "en-gb-x-rp")
_WORDS_A_LINE = 8
_NOBODY_SHARE = 1 / 6
_NOBODY_S = (1.0, 3.0)
_QUIETEST = 1e-8


class Speech(NamedTuple):
    """float samples with a peak of at most 1, and the sounds in them."""

    samples: NDArray[float64]
    sample_rate_hz: int
    phones: list[Phone]


class Lesson(NamedTuple):
    """Spectra (steps, BANDS) of a stretch of sound and the lips (steps, 3) in it, both float32."""

    spectra: NDArray[float32]
    lips: NDArray[float32]


def espeak_speech_of(lines: int, seed: int, variants: Sequence[str] = VARIANTS) -> Iterator[Speech]:
    """Lines of random words, Chinese and English in turn, each in another voice, rate and pitch."""
    random, words = np.random.default_rng(seed), _words()
    for line in range(lines):
        language = ("en", "zh")[line % 2]
        voice = voice_of("zh" if language == "zh" else str(random.choice(_ACCENTS)))
        said = _line(words[language], "" if language == "zh" else " ", random)
        rate, pitch = int(random.uniform(130, 230)), int(random.uniform(-35, 40))
        variant = variants[line % len(variants)]
        samples, phones = espeak_speech.spoken(said, f"{voice}+{variant}", rate, pitch, line)
        yield Speech(samples / 32_768, ESPEAK_RATE_HZ, phones)


def kokoro_speech(folder: Path) -> Iterator[Speech]:
    """The lines of LINES by the model in `folder`."""
    kokoro = Kokoro(folder)
    for line in LINES.read_text(encoding="utf-8").splitlines():
        voice, speed, letters = line.split("\t")
        samples, phones = kokoro.spoken(letters, voice, float(speed))
        yield Speech(samples / np.abs(samples).max(), SAMPLE_RATE_HZ, phones)


def lessons(speeches: Sequence[Speech], copies: int, seed: int) -> list[Lesson]:
    """Each speech `copies` times, spoiled in another way each time, and among them sound without speech."""
    random = np.random.default_rng(seed)
    spoken = [lesson(*_played(speech, random)) for _ in range(copies) for speech in speeches]
    nobody = [_nobody(random) for _ in range(round(_NOBODY_SHARE * len(spoken)))]
    everything = [*spoken, *nobody]
    return [everything[index] for index in random.permutation(len(everything))]


def lesson(speech: Speech, pcm: NDArray[np.int16]) -> Lesson:
    """What is seen of `speech` where `pcm`, the same as it was recorded, is heard."""
    heard = np.concatenate(list(spectra([pcm], speech.sample_rate_hz)))
    return Lesson(heard, trajectory(speech.phones, levels_db(speech, len(heard))))


def levels_db(speech: Speech, steps: int) -> NDArray[float64]:
    """Level of every step of 10 ms, silent after the end."""
    edges = np.minimum(np.rint(np.arange(steps + 1) * STEP_S * speech.sample_rate_hz), len(speech.samples)).astype(int)
    energy = np.concatenate([[0], np.cumsum(np.square(speech.samples))])
    means = np.diff(energy[edges]) / np.maximum(np.diff(edges), 1)
    return np.asarray(10 * np.log10(means + _QUIETEST))


def _played(speech: Speech, random: Generator) -> tuple[Speech, NDArray[np.int16]]:
    """The speech at another rate, and a spoiled recording of it."""
    rate = other_rate(speech.sample_rate_hz, random)
    phones = [Phone(name, start_s * speech.sample_rate_hz / rate) for name, start_s in speech.phones]
    return Speech(speech.samples, rate, phones), spoiled(speech.samples, rate, random)


def _nobody(random: Generator) -> Lesson:
    pcm = bed_alone(round(random.uniform(*_NOBODY_S) * ESPEAK_RATE_HZ), ESPEAK_RATE_HZ, random)
    heard = np.concatenate(list(spectra([pcm], ESPEAK_RATE_HZ)))
    return Lesson(heard, np.zeros((len(heard), 3), float32))


def _words() -> dict[str, list[str]]:
    words: dict[str, list[str]] = {"zh": [], "en": []}
    for line in WORDS.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            language, *said = line.split()
            words[language] += said
    return words


def _line(words: Sequence[str], space: str, random: Generator) -> str:
    """Words in a random order with a comma among them."""
    said = [str(word) for word in random.choice(words, _WORDS_A_LINE)]
    comma = int(random.integers(3, 6))
    return space.join(said[:comma]) + ", " + space.join(said[comma:])
