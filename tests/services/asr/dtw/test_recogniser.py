import threading
from itertools import pairwise

import numpy as np
import pytest

from services.asr.dtw import recogniser as pocketsphinx
from services.asr.dtw.recogniser import PocketsphinxRecogniser
from services.asr.engine import Heard, Listening
from services.base.errors import CancelledError, InvalidInputError
from services.enginekit.progress import Progress
from tests.support.spoken import Recording, record

RATE_HZ = 22_050
PAUSE = np.zeros(RATE_HZ, np.int16)
CLEAR = "klatt4"  # the voice of espeak-ng that PocketSphinx understands best


def transcribe(samples: np.ndarray, chunk: int = 10_000, language: str = "", words: bool = True) -> list[Heard]:
    chunks = (samples[start : start + chunk] for start in range(0, len(samples), chunk))
    return list(PocketsphinxRecogniser().transcribe(Listening(RATE_HZ, language, words), chunks, Progress()))


@pytest.fixture(scope="module")
def two_sentences() -> tuple[np.ndarray, Recording]:
    first, second = (record(text, variant=CLEAR, speed=0.9) for text in ("one two three four five", SYSTEM))
    return np.concatenate([PAUSE, first.samples, PAUSE, second.samples, PAUSE]), first


SYSTEM = "this is a test of the system"


def test_writes_down_english_pause_by_pause(two_sentences):
    samples, _ = two_sentences
    heard = transcribe(samples)
    assert [segment.text for segment in heard] == ["one two three four five", SYSTEM]
    assert all(segment.language == "en" for segment in heard)
    bounds = [bound for segment in heard for bound in (segment.start_sample, segment.end_sample)]
    assert bounds == sorted(bounds)
    assert bounds[-1] <= len(samples)


def test_knows_when_each_word_is_said(two_sentences):
    samples, truth = two_sentences
    segment = transcribe(samples)[0]
    assert [segment.text[word.char_start : word.char_end] for word in segment.words] == segment.text.split()
    starts_ms = np.array([word.start_sample for word in segment.words]) - truth.starts - len(PAUSE)
    assert np.median(np.abs(starts_ms) * 1000 / RATE_HZ) < 100
    assert all(before.end_sample <= after.start_sample for before, after in pairwise(segment.words))
    assert all(0 <= word.confidence <= 1 for word in segment.words)


def test_leaves_words_out_unless_they_are_wanted(two_sentences):
    samples, _ = two_sentences
    assert all(segment.words == () for segment in transcribe(samples[: len(samples) // 2], words=False))


def test_does_not_depend_on_how_the_audio_is_cut(two_sentences):
    samples, _ = two_sentences
    half = samples[: len(samples) // 2]
    assert transcribe(half, 777) == transcribe(half, 10**9)


def test_speaks_up_before_the_audio_ends(two_sentences):
    """The first segment is there while the caller still has audio to send."""
    samples, _ = two_sentences
    sent = []

    def chunks():
        for chunk in np.array_split(samples, 20):
            sent.append(chunk)
            yield chunk

    next(PocketsphinxRecogniser().transcribe(Listening(RATE_HZ), chunks(), Progress()))
    assert len(sent) < 20


def test_cuts_someone_who_never_pauses(monkeypatch):
    monkeypatch.setattr(pocketsphinx, "_LONGEST_UTTERANCE_S", 1.0)
    heard = transcribe(record(SYSTEM, variant=CLEAR, speed=0.7).samples)
    assert len(heard) >= 2
    assert all(segment.end_sample - segment.start_sample <= 1.2 * RATE_HZ for segment in heard)


@pytest.mark.parametrize("samples", [np.empty(0, np.int16), PAUSE])
def test_hears_nothing_where_nobody_speaks(samples):
    assert transcribe(samples) == []


def test_refuses_other_languages_and_says_which_it_knows():
    with pytest.raises(InvalidInputError, match="English only") as refused:
        transcribe(PAUSE, language="zh")
    assert (refused.value.field, refused.value.reason) == ("language", "UNSUPPORTED_LANGUAGE")


def test_stops_within_a_unit_when_cancelled():
    cancelled = threading.Event()
    progress = Progress(cancelled=cancelled)
    cancelled.set()
    with pytest.raises(CancelledError):
        list(PocketsphinxRecogniser().transcribe(Listening(RATE_HZ), [PAUSE], progress))
    assert progress.units_done == 1
