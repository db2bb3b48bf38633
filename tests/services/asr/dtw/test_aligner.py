import threading
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.asr.dtw.aligner import DtwAligner
from services.asr.engine import Alignment, Word
from services.base.errors import CancelledError, InvalidInputError
from services.enginekit.progress import Progress
from services.text.words import words_of
from tests.support.spoken import CHINESE, ENGLISH, MIXED, Recording, record, with_noise, with_pauses

ALIGNER = DtwAligner()


def align(text: str, recording: Recording, chunk: int = 10_000, language: str = "") -> list[Word]:
    chunks = [recording.samples[start : start + chunk] for start in range(0, len(recording.samples), chunk)]
    return list(ALIGNER.align(Alignment(text, recording.sample_rate_hz, language), chunks, Progress()))


def errors_ms(text: str, recording: Recording) -> np.ndarray:
    words = align(text, recording)
    starts = np.array([word.start_sample for word in words]) - recording.starts
    ends = np.array([word.end_sample for word in words]) - recording.ends
    return np.abs(np.concatenate([starts, ends])) * 1000 / recording.sample_rate_hz


CONDITIONS = {
    "woman": ("f2", 1.0, 20.0),
    "woman, fast": ("Annie", 1.25, 20.0),
    "woman, slow": ("Alicia", 0.8, 20.0),
    "deep man, slow": ("m8", 0.8, 20.0),
    "other synthesiser, fast": ("klatt4", 1.25, 20.0),
    "whisper": ("whisper", 1.0, 20.0),
    "child": ("zac", 1.0, 20.0),
    "woman, noisy, slow": ("f3", 0.8, 10.0),
}


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("language", ["zh", "en", "mixed"])
def test_finds_words_of_another_voice_tempo_and_noise(condition, language):
    """Starts and ends against the voice's own events: median within 50 ms, 95 % within 150 ms."""
    variant, speed, snr_db = CONDITIONS[condition]
    random = np.random.default_rng(1)
    errors = np.concatenate(
        [
            errors_ms(text, with_noise(with_pauses(record(text, variant=variant, speed=speed), random), snr_db, random))
            for text in {"zh": CHINESE, "en": ENGLISH, "mixed": MIXED}[language]
        ]
    )
    median, most, worst = np.percentile(errors, [50, 95, 100])
    print(f"{condition:24} {language:6} median {median:3.0f} ms, 95 % {most:3.0f} ms, worst {worst:3.0f} ms")
    assert median <= 50
    assert most <= 150


@pytest.mark.parametrize("text", [CHINESE[2], ENGLISH[2], MIXED[0]])
def test_gives_the_script_back_word_for_word(text):
    recording = record(text, variant="f2")
    words = align(text, recording)
    assert [(word.char_start, word.char_end) for word in words] == [(word.start, word.end) for word in words_of(text)]
    assert all(word.text == text[word.char_start : word.char_end] for word in words)
    assert_in_order(words, recording)


def assert_in_order(words: list[Word], recording: Recording) -> None:
    assert all(0 <= word.start_sample < word.end_sample <= len(recording.samples) for word in words)
    assert all(before.end_sample <= after.start_sample for before, after in pairwise(words))


def test_times_are_those_of_the_callers_sample_rate():
    recording = record(ENGLISH[0])
    at_half = Recording(recording.samples[::2], recording.starts // 2, recording.ends // 2, 11_025)
    assert np.median(errors_ms(ENGLISH[0], at_half)) <= 50


def test_does_not_depend_on_how_the_audio_is_cut():
    recording = record(MIXED[0], variant="f2")
    assert align(MIXED[0], recording, 777) == align(MIXED[0], recording, 10**9) == align(MIXED[0], recording)


def test_is_surer_of_what_was_said_than_of_what_was_not():
    recording = record(ENGLISH[1], variant="f2")
    right, wrong = align(ENGLISH[1], recording), align(ENGLISH[3], recording)
    assert np.mean([word.confidence for word in right]) > 0.8
    assert np.mean([word.confidence for word in wrong]) < 0.4
    assert all(0 <= word.confidence <= 1 for word in [*right, *wrong])


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_words_stay_in_order_in_audio_that_says_something_else(seed):
    random = np.random.default_rng(seed)
    noise = (random.normal(size=random.integers(40_000, 80_000)) * random.integers(1, 8_000)).astype(np.int16)
    recording = Recording(noise, np.empty(0, int), np.empty(0, int))
    assert_in_order(align("你好，hello 2025", recording), recording)


def test_a_single_word_in_silence():
    recording = with_pauses(record("好"), np.random.default_rng(0))
    assert errors_ms("好", recording).max() < 150


@pytest.mark.parametrize(
    ("text", "language", "samples", "field", "reason"),
    [
        ("。！", "", np.ones(30_000), "text", "NOTHING_TO_SAY"),
        ("hello", "zz", np.ones(30_000), "language", "UNKNOWN_LANGUAGE"),
        ("hello", "", np.zeros(30_000), "audio", "SILENT"),
        ("hello", "", np.zeros(0), "audio", "SILENT"),
        (ENGLISH[1], "", np.ones(3_000), "audio", "AUDIO_TOO_SHORT"),
    ],
)
def test_refuses_what_cannot_be_aligned(text, language, samples, field, reason):
    with pytest.raises(InvalidInputError) as refused:
        align(text, Recording(samples.astype(np.int16), np.empty(0, int), np.empty(0, int)), language=language)
    assert (refused.value.field, refused.value.reason) == (field, reason)


@pytest.mark.parametrize("phase", ["speak", "listen", "align"])
def test_stops_within_a_unit_when_cancelled(phase):
    class CancelledIn(Progress):
        """Is cancelled as soon as the phase has begun, and counts the units after that."""

        units = 0

        def __init__(self) -> None:
            self.gone = threading.Event()
            super().__init__(cancelled=self.gone)

        def phase(self, name: str, total_units: int = 0, stall_budget_s: float | None = None) -> None:
            super().phase(name, total_units, stall_budget_s)
            if name == phase:
                self.gone.set()

    progress = CancelledIn()
    recording = record(CHINESE[0])
    with pytest.raises(CancelledError):
        list(ALIGNER.align(Alignment(CHINESE[0], recording.sample_rate_hz), iter([recording.samples] * 2), progress))
    assert progress.units_done == 1


def test_reads_the_audio_as_it_comes():
    """The aligner has said the text before the first chunk is asked for, and takes one chunk at a time."""
    taken = []

    def chunks() -> Iterator[np.ndarray]:
        for number, chunk in enumerate(np.array_split(record(ENGLISH[0]).samples, 4)):
            taken.append((number, progress.units_done))
            yield chunk

    progress = Progress()
    list(ALIGNER.align(Alignment(ENGLISH[0], 22_050), chunks(), progress))
    assert taken == [(0, 0), (1, 1), (2, 2), (3, 3)]
