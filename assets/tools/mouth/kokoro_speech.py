"""Speech of Kokoro-82M with the times that the model itself gives every phoneme.

The published export tells no times, but computes them: the frames of each token are an inner value of the graph.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy import float32
from numpy.typing import NDArray

from assets.tools.mouth.articulation import PAUSE, Phone

SAMPLE_RATE_HZ = 24_000
_FRAME_S = 0.025
_EARLY_S = 0.05  # the sound comes two frames before its token; measured at the closures of p, t, k in eight voices
_DURATIONS = "/encoder/Clip_output_0"
_LETTERS = {
    "a": "aɑ",
    "æ": "æ",
    "ʌ": "ʌɐ",
    "ɔ": "ɔɒ",
    "ɛ": "ɛ",
    "e": "e",
    "ə": "əᵊ",
    "ɤ": "ɤ",
    "ɝ": "ɜɚ",
    "o": "o",
    "ʊ": "ʊ",
    "u": "u",
    "y": "y",
    "ɪ": "ɪᵻ",
    "i": "i",
    "ʅ": "ɨ",
    "w": "w",
    "ɥ": "ɥ",
    "j": "j",
    "m": "m",
    "b": "b",
    "p": "p",
    "f": "fv",
    "t": "td",
    "n": "n",
    "l": "l",
    "θ": "θð",
    "s": "szʦʣ",
    "ʃ": "ʃʒʤʧ",
    "ʂ": "ʂꭧ",
    "ɕ": "ɕʨ",
    "ɹ": "ɹɻɾTʐ",
    "k": "kɡŋʔ",
    "h": "hxʰ",
    "e ɪ": "A",
    "a ɪ": "I",
    "o ʊ": "O",
    "a ʊ": "W",
    "ɔ ɪ": "Y",
    "ə ʊ": "Q",
    PAUSE: ".,?!;:",
}
_SOUNDS = {letter: tuple(sounds.split()) for sounds, letters in _LETTERS.items() for letter in letters}
_WITH_THE_NEXT = "ˈˌ"
_WITH_THE_LAST = "→↗↓↘ ː"


class Kokoro:
    """The model in `folder`: kokoro-v1.0.int8.onnx, vocab.json, voices/NAME.bin."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ids: dict[str, int] = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))["vocab"]

    def spoken(self, letters: str, voice: str, speed: float) -> tuple[NDArray[float32], list[Phone]]:
        """Mono samples at SAMPLE_RATE_HZ of Kokoro's phoneme letters, and the sounds in them."""
        ids = [self._ids[letter] for letter in letters]
        styles = np.fromfile(self._folder / "voices" / f"{voice}.bin", float32).reshape(-1, 1, 256)
        tokens = np.array([[0, *ids, 0]], np.int64)
        inputs = {"tokens": tokens, "style": styles[len(ids)], "speed": np.array([speed], float32)}
        samples, frames = self._session.run(None, inputs)
        return samples.reshape(-1), list(phones(letters, frames.reshape(-1)))

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        model = onnx.load(self._folder / "kokoro-v1.0.int8.onnx")
        model.graph.output.append(onnx.helper.make_tensor_value_info(_DURATIONS, onnx.TensorProto.FLOAT, None))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        return onnxruntime.InferenceSession(model.SerializeToString(), options)


def phones(letters: str, frames: Sequence[float]) -> Iterator[Phone]:
    """Sounds of letters that last `frames`, of which the first and the last are silence around them.

    Marks of stress belong to the vowel after them, tones and spaces to the sound before them.
    """
    edges_s = np.cumsum([0, *frames]) * _FRAME_S - _EARLY_S
    yield Phone(PAUSE, 0.0)
    start_s = None
    for letter, (begin_s, end_s) in zip(letters, np.stack([edges_s[1:-2], edges_s[2:-1]], axis=1), strict=True):
        start_s = begin_s if start_s is None else start_s
        if letter in _WITH_THE_NEXT:
            continue
        if letter not in _WITH_THE_LAST:
            sounds = _SOUNDS[letter]
            for number, sound in enumerate(sounds):
                yield Phone(sound, float(start_s + (end_s - start_s) * number / len(sounds)))
        start_s = None
    yield Phone(PAUSE, float(edges_s[-2]))
