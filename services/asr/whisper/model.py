"""A loaded Whisper: what is said in a window, in which language, and when each token of a given text sounds."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from ctranslate2 import StorageView
from faster_whisper import WhisperModel
from faster_whisper.audio import pad_or_trim
from faster_whisper.tokenizer import Tokenizer
from numpy import float32, float64
from numpy.typing import NDArray

from services.asr.whisper.options import WhisperOptions
from services.asr.whisper.transcript import STEP_SAMPLES, stretches_within
from services.asr.whisper.utterances import SAMPLE_RATE_HZ
from services.base.errors import ExhaustedError, InvalidInputError
from services.espeak.narration import primary_language

MOST_TOKENS = 400
"""Limit for a text in one window; Whisper's decoder has 448 positions, some of them for its prompt."""

_HOP = 160  # samples from one frame of features to the next
_MOST_FRAMES = 3000  # 30 s, which the encoder has positions for
_SILENCE_SAMPLES = 4 * SAMPLE_RATE_HZ  # after which the model knows that a window has ended
_UNSPACED = {"zh", "ja", "th", "lo", "my", "yue"}  # Whisper's list: written without spaces, so none before the text
_NO_SPEECH, _UNLIKELY = 0.6, -1.0  # Whisper's: above this probability and below this mean log probability: no speech
_LOOP_RATIO = 2.4  # Whisper's: text that zlib shrinks by more than this factor repeats itself
_LATEST_START = SAMPLE_RATE_HZ  # Whisper's
_TOKENS_A_SECOND = 20  # twice that of quick speech


@dataclass(frozen=True)
class TokenTimes:
    """Characters [char_starts, char_ends) of a text sound at samples [starts, ends) with `probabilities`; by token."""

    char_starts: NDArray[np.int64]
    char_ends: NDArray[np.int64]
    starts: NDArray[float64]
    ends: NDArray[float64]
    probabilities: NDArray[float64]


@dataclass(frozen=True)
class Encoded:
    """What the encoder makes of a window of `samples` samples, which is all that hearing and alignment need of it."""

    output: StorageView
    samples: int

    @property
    def seconds(self) -> float:
        """Duration of the window."""
        return self.samples / SAMPLE_RATE_HZ


@dataclass(frozen=True)
class Said:
    """A text ("" for no speech), and the sample of the window up to which Whisper listened for it."""

    text: str
    end: int


class Hearing:
    """Thread-safe: CTranslate2 queues calls beyond `options.parallel`. A window is at most 30 s at SAMPLE_RATE_HZ."""

    def __init__(self, model: WhisperModel, options: WhisperOptions) -> None:
        self._model, self._options = model, options
        self.languages = _languages(model)

    def language_code(self, language: str) -> str:
        """Whisper's name of a BCP 47 tag. Raises InvalidInputError for a language the checkpoint does not know."""
        code = primary_language(language)
        code = "zh" if code == "yue" and "yue" not in self.languages else code
        if code not in self.languages:
            known = ", ".join(sorted(self.languages))
            raise InvalidInputError(
                f"This Whisper checkpoint does not know {language[:40]!r}.",
                f"Its languages: {known}.",
                "language",
                "UNSUPPORTED_LANGUAGE",
            )
        return code

    def encode(self, samples: NDArray[float32]) -> Encoded:
        """Encodes a window and a little silence after it.

        The model was trained on windows filled up to 30 s, but hears as well without (see ARCHITECTURE.md), and the
        encoder's work grows faster than its window.
        """
        frames = min(-(-(len(samples) + _SILENCE_SAMPLES) // _HOP), _MOST_FRAMES)
        silence = np.zeros(max(frames * _HOP - len(samples), 0), float32)
        features = self._model.feature_extractor(np.concatenate([samples, silence]), padding=0)
        with _out_of_memory(self._model):
            return Encoded(self._model.encode(pad_or_trim(features, frames)), len(samples))

    def spoken_language(self, heard: Encoded) -> str:
        """The likeliest language, as Whisper names it."""
        if not self._model.model.is_multilingual:
            return "en"
        with _out_of_memory(self._model):
            token, _ = self._model.model.detect_language(heard.output)[0][0]
        return str(token[2:-2])

    def said(self, heard: Encoded, language: str) -> Said:
        """What is said, and until when. A text that repeats itself is decoded again without repetitions."""
        said = self._said(heard, language, no_repeat_ngram_size=0)
        if _loops(said.text):
            said = self._said(heard, language, no_repeat_ngram_size=3)
        return said

    def token_count(self, text: str, language: str) -> int:
        """Tokens of a text."""
        return len(self._encoding(text, language)[0])

    def token_times(self, text: str, language: str, heard: Encoded) -> TokenTimes:
        """When a text of at most MOST_TOKENS tokens is said in a window."""
        ids, char_starts, char_ends = self._encoding(text, language)
        tokenizer, frames = self._tokenizer(language), -(-heard.samples // _HOP)
        with _out_of_memory(self._model):
            (found,) = self._model.model.align(
                heard.output, tokenizer.sot_sequence, [ids], frames, median_filter_width=7
            )
        tokens, steps = np.array(found.alignments).T
        begins = steps[np.searchsorted(tokens, np.arange(len(ids) + 1))] * float(STEP_SAMPLES)
        begins = np.minimum(begins, heard.samples)
        return TokenTimes(char_starts, char_ends, begins[:-1], begins[1:], np.array(found.text_token_probs))

    def _encoding(self, text: str, language: str) -> tuple[list[int], NDArray[np.int64], NDArray[np.int64]]:
        lead = "" if language in _UNSPACED else " "
        encoding = self._model.hf_tokenizer.encode(lead + text, add_special_tokens=False)
        spans = np.array(encoding.offsets).reshape(-1, 2) - len(lead)
        return encoding.ids, spans[:, 0], spans[:, 1]

    def _said(self, heard: Encoded, language: str, *, no_repeat_ngram_size: int) -> Said:
        tokenizer = self._tokenizer(language)
        with _out_of_memory(self._model):
            (found,) = self._model.model.generate(
                heard.output,
                [tokenizer.sot_sequence],
                beam_size=self._options.beam_size,
                no_repeat_ngram_size=no_repeat_ngram_size,
                max_length=2 * min(224, 16 + int(_TOKENS_A_SECOND * heard.seconds)),  # half of it is for the text
                max_initial_timestamp_index=_LATEST_START // STEP_SAMPLES,
                return_scores=True,
                return_no_speech_prob=True,
            )
        if found.no_speech_prob > _NO_SPEECH and found.scores[0] < _UNLIKELY:
            return Said("", heard.samples)
        stretches = stretches_within(found.sequences_ids[0], tokenizer.timestamp_begin, heard.samples)
        text = "".join(tokenizer.decode(stretch.tokens) for stretch in stretches).strip()
        end = stretches[-1].end if stretches else None
        return Said(text, heard.samples if end is None else min(end * STEP_SAMPLES, heard.samples))

    def _tokenizer(self, language: str) -> Tokenizer:
        return Tokenizer(
            self._model.hf_tokenizer, self._model.model.is_multilingual, task="transcribe", language=language
        )


def _languages(model: WhisperModel) -> frozenset[str]:
    languages: list[str] = model.supported_languages
    tokenizer = model.hf_tokenizer
    return frozenset(code for code in languages if tokenizer.token_to_id(f"<|{code}|>") is not None or code == "en")


def _loops(text: str) -> bool:
    raw = text.encode()
    return bool(raw) and len(raw) / len(zlib.compress(raw)) > _LOOP_RATIO


@contextmanager
def _out_of_memory(model: WhisperModel) -> Iterator[None]:
    """CTranslate2 reports it as a RuntimeError with CUDA's message; the model stays usable."""
    try:
        yield
    except RuntimeError as error:
        if "out of memory" not in str(error):
            raise
        raise ExhaustedError(
            f"{model.model.device} has run out of memory.",
            "Try again; if it happens again, lower options.parallel or options.beam_size, or use a larger device.",
            reason="OUT_OF_MEMORY",
            retry_after_s=5.0,
        ) from error
