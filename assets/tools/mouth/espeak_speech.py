"""Speech of espeak-ng with its own times of every sound: any voice, rate and pitch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy import int16
from numpy.typing import NDArray

from assets.tools.mouth.articulation import PAUSE, Phone
from services.espeak.library import SAMPLE_RATE_HZ, PhonemeBegan, speak

_STRESS = "',%=|"
_SOUNDS = {
    PAUSE: "_ _| _: _:: _! ; ? ?-",
    "a": "a A A: a: aa A# A~ a#",
    "æ": "æ &",
    "ʌ": "V V# 0#",
    "ɔ": "O O: O2 0 0: Q",
    "ɛ": "E E# E2 3#",
    "e": "e e:",
    "ə": "@ @2 @# @5 @- n- m- L-",
    "ɤ": "o-",
    "ɝ": "3 3: V2",
    "o": "o o: o2",
    "ʊ": "U",
    "u": "u u: u#",
    "y": "y y: Y",
    "ɪ": "I I2 I# i# I2#",
    "i": "i i:",
    "ɿ": "i[",
    "ʅ": "i.",
    "w": "w w#",
    "j": "j",
    "m": "m",
    "b": "b",
    "p": "p ph",
    "f": "f v v#",
    "t": "t th d t# t2 t[ d# *",
    "n": "n n^",
    "l": "l l- l^ L l#",
    "θ": "T D",
    "s": "s z ts tsh z# dz",
    "ʃ": "S Z tS dZ",
    "ʂ": "s. z. ts. ts.h",
    "ɕ": "S; tS; tS;h",
    "ɹ": "r r- R R2",
    "k": "k kh g N x k#",
    "h": "h X h#",
    "a ɪ": "aI aI2 ai",
    "a ɪ ɝ": "aI3",
    "a ɪ ə": "aI@",
    "a ʊ": "aU Au",
    "a ʊ ə": "aU@",
    "e ɪ": "eI ei",
    "ɔ ɪ": "OI",
    "o ʊ": "oU ou",
    "ʊ ɝ": "U@",
    "ɪ ə": "i@",
    "ɪ ɝ": "i@3 IR",
    "ɛ ɝ": "e@",
    "ɔ ɝ": "O@ o@",
    "a ɝ": "A@",
    "ə l": "@L",
    "ʌ ɝ": "VR",
    "j a": "iA ia",
    "j ɛ": "iE",
    "j o ʊ": "iou",
    "j a ʊ": "iAu iau",
    "w a": "ua uA",
    "w o": "uo",
    "w a ɪ": "uai",
    "w e ɪ": "uei",
    "w ə": "u@",
    "ʊ k": "ong",
    "y ʊ k": "iong",
    "y ə": "y@",
    "ɥ ɛ": "yE y&",
    "y ʊ": "yu",
    "j ə": "i@N",
    "ɥ a": "ya",
    "ə ɝ": "@r",
    "i k": "iN",
}
_NAMES = {name: tuple(sounds.split()) for sounds, names in _SOUNDS.items() for name in names.split()}


def spoken(
    text: str, voice: str, words_per_minute: int, pitch_percent: int = 0, seed: int = 0
) -> tuple[NDArray[int16], list[Phone]]:
    """int16 mono samples at SAMPLE_RATE_HZ and the sounds in them. Raises KeyError for a sound without lips."""
    marked = f"<speak><prosody pitch='{pitch_percent:+d}%'>{text}</prosody></speak>"
    events = list(speak(marked, voice, words_per_minute=words_per_minute, seed=seed, markup=True))
    samples = np.concatenate([event for event in events if isinstance(event, np.ndarray)])
    began = [event for event in events if isinstance(event, PhonemeBegan) and not event.name.startswith("(")]
    ends = [*(event.sample for event in began[1:]), len(samples)]
    return samples, [phone for event, end in zip(began, ends, strict=True) for phone in _phones(event, end)]


def _phones(event: PhonemeBegan, end: int) -> Iterator[Phone]:
    """A diphthong is its vowels, one after the other."""
    sounds = _NAMES[event.name.lstrip(_STRESS) or PAUSE]
    for number, sound in enumerate(sounds):
        yield Phone(sound, (event.sample + (end - event.sample) * number / len(sounds)) / SAMPLE_RATE_HZ)
