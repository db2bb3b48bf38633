"""English recognition by PocketSphinx, whose wheel includes its model: gets clear words and many unclear ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pocketsphinx
from numpy import int16
from numpy.typing import NDArray

from services.asr.engine import Heard, Listening, Word
from services.base.errors import InvalidInputError
from services.enginekit.progress import Progress
from services.media.pcm import resampled_pcm
from services.text.languages import primary_subtag

_SAMPLE_RATE_HZ = 16_000
_FRAME_HZ = 100
_LONGEST_UTTERANCE_S = 30.0
"""Speech without a pause is cut here, so that memory and the wait for the text stay bounded."""

_FILLER = re.compile(r"<.*>|\[.*\]|\+\+.*\+\+")  # silence, noise, breath
_PRONUNCIATION = re.compile(r"\(\d+\)$")  # "read(2)"


class PocketsphinxRecogniser:
    """Transcribes English. Each call has a decoder of its own, because a decoder adapts to what it hears."""

    def transcribe(self, request: Listening, audio: Iterable[NDArray[int16]], progress: Progress) -> Iterator[Heard]:
        """See AsrEngine.transcribe. Raises InvalidInputError for any language but English."""
        if primary_subtag(request.language) not in {"", "en"}:
            raise InvalidInputError(
                f"PocketSphinx recognises English only, not {request.language[:40]!r}.",
                'Set the language to "en", or run the asr server with the engine whisper.',
                "language",
                "UNSUPPORTED_LANGUAGE",
            )
        progress.phase("load")
        decoder = _UtteranceDecoder()
        progress.phase("decode")
        for frame, is_last in _frames(audio, request.sample_rate_hz, decoder.frame_samples):
            if (utterance := decoder.hear(frame, is_last=is_last)) and utterance.words:
                yield _heard(utterance, request)
            progress.advance()


@dataclass(frozen=True)
class _Utterance:
    """What was said between two pauses: words with their start, end (seconds) and posterior probability."""

    start_s: float
    end_s: float
    words: list[tuple[str, float, float, float]]


class _UtteranceDecoder:
    """Cuts the audio at pauses and decodes what is between them, frame by frame."""

    def __init__(self) -> None:
        self._decoder = pocketsphinx.Decoder(samprate=_SAMPLE_RATE_HZ, loglevel="FATAL")
        self._endpointer = pocketsphinx.Endpointer(sample_rate=_SAMPLE_RATE_HZ)
        self._start_s: float | None = None
        self._end_s = 0.0
        self._decoded = 0
        self.frame_samples: int = self._endpointer.frame_bytes // 2

    def hear(self, frame: NDArray[int16], *, is_last: bool) -> _Utterance | None:
        """Takes the next frame, of `frame_samples` or, the last one, fewer; gives an utterance when one ends."""
        process = self._endpointer.end_stream if is_last else self._endpointer.process
        speech = process(frame.tobytes())
        if speech:
            self._decode(speech)
        pauses = not self._endpointer.in_speech
        is_long = self._decoded > _LONGEST_UTTERANCE_S * _SAMPLE_RATE_HZ
        return self._end() if self._start_s is not None and (pauses or is_long or is_last) else None

    def _decode(self, speech: bytes) -> None:
        if self._start_s is None:
            self._start_s = max(self._endpointer.speech_start, self._end_s)
            self._decoded = 0
            self._decoder.start_utt()
        self._decoded += len(speech) // 2
        self._decoder.process_raw(speech)

    def _end(self) -> _Utterance:
        start_s, self._start_s = self._start_s or 0.0, None
        self._end_s = start_s + self._decoded / _SAMPLE_RATE_HZ
        self._decoder.end_utt()
        words = [
            (
                _PRONUNCIATION.sub("", segment.word),
                start_s + segment.start_frame / _FRAME_HZ,
                start_s + (segment.end_frame + 1) / _FRAME_HZ,
                min(max(segment.prob, 0.0), 1.0),
            )
            for segment in self._decoder.seg() or ()
            if not _FILLER.fullmatch(segment.word)
        ]
        return _Utterance(start_s, self._end_s, words)


def _frames(audio: Iterable[NDArray[int16]], sample_rate_hz: int, size: int) -> Iterator[tuple[NDArray[int16], bool]]:
    """The audio at the model's rate in frames of `size` samples, and whether it is the last, perhaps shorter one."""
    rest = np.empty(0, int16)
    for samples in resampled_pcm(audio, sample_rate_hz, _SAMPLE_RATE_HZ):
        rest = np.concatenate([rest, samples])
        whole = len(rest) - len(rest) % size
        yield from ((frame, False) for frame in rest[:whole].reshape(-1, size))
        rest = rest[whole:]
    yield (rest if len(rest) else np.zeros(1, int16)), True  # the endpointer refuses an empty frame


def _heard(utterance: _Utterance, request: Listening) -> Heard:
    def sample(time_s: float) -> int:
        return round(time_s * request.sample_rate_hz)

    text = " ".join(word for word, *_ in utterance.words)
    words: list[Word] = []
    position = 0
    for word, start_s, end_s, probability in utterance.words:
        words.append(Word(word, position, position + len(word), sample(start_s), sample(end_s), probability))
        position += len(word) + 1
    return Heard(text, sample(utterance.start_s), sample(utterance.end_s), tuple(words) if request.words else (), "en")
