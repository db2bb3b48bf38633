"""The engine with a tiny random checkpoint in the published layout: nonsense is heard, but all of the way is real."""

from functools import cache
from itertools import pairwise
from threading import Event

import numpy as np
import pytest

from services.asr.engine import Alignment, Listening
from services.base.errors import CancelledError, ExhaustedError, FailedPreconditionError, InvalidInputError
from services.enginekit.progress import Progress
from services.text.words import words_of
from tests.support.spoken import ENGLISH, MIXED, record

RATE_HZ = 22_050


@cache
def speech(text=ENGLISH[0], pause_s=1.0, times=2):
    silence = np.zeros(int(pause_s * RATE_HZ), np.int16)
    said = record(text)
    assert said.sample_rate_hz == RATE_HZ
    return np.concatenate([silence, *([said.samples, silence] * times)])


def chunks(samples, size):
    return [samples[start : start + size] for start in range(0, len(samples), size)]


def heard(engine, samples, size=4000, progress=None, **request):
    listening = Listening(RATE_HZ, **request)
    return list(engine.transcribe(listening, chunks(samples, size), progress or Progress()))


def aligned(engine, text, samples, size=4000, **request):
    return list(engine.align(Alignment(text, RATE_HZ, **request), chunks(samples, size), Progress()))


def assert_covers(text, words, samples):
    assert [(word.char_start, word.char_end) for word in words] == [(span.start, span.end) for span in words_of(text)]
    assert [word.text for word in words] == [text[word.char_start : word.char_end] for word in words]
    assert all(0 <= word.start_sample < word.end_sample <= len(samples) for word in words)
    assert all(before.end_sample <= after.start_sample for before, after in pairwise(words))
    assert all(0 <= word.confidence <= 1 for word in words)


class TestTranscribe:
    def test_utterances_are_what_is_between_pauses(self, engine):
        samples = speech()
        segments = heard(engine, samples)
        said = record(ENGLISH[0])
        assert len(segments) == 2
        for number, segment in enumerate(segments):
            start = RATE_HZ + number * (len(said.samples) + RATE_HZ)
            assert segment.text
            assert abs(segment.start_sample - (start + said.starts[0])) < RATE_HZ * 0.35
            assert abs(segment.end_sample - (start + said.ends[-1])) < RATE_HZ * 0.35

    def test_a_segment_comes_before_the_audio_ends(self, engine):
        taken = []

        def audio():
            for chunk in chunks(speech(), 4000):
                taken.append(len(chunk))
                yield chunk

        next(engine.transcribe(Listening(RATE_HZ), audio(), Progress()))
        assert sum(taken) < len(speech()) * 0.7

    @pytest.mark.parametrize("size", [333, 50_000, 10**9])
    def test_any_cutting_of_the_audio_is_heard_the_same(self, engine, size):
        assert heard(engine, speech(), size, words=True) == heard(engine, speech(), words=True)

    def test_words_are_those_of_the_segment(self, engine):
        for segment in heard(engine, speech(), words=True, language="en"):
            assert segment.language == "en"
            assert_covers(segment.text, segment.words, speech())
            for word in segment.words:
                assert segment.start_sample <= word.start_sample
                assert word.end_sample <= segment.end_sample

    def test_someone_who_never_pauses_is_cut(self, engine):
        samples = speech(" ".join(ENGLISH[1:3]), 0.0, 5)
        segments = heard(engine, samples)
        assert len(segments) > 1
        assert all(segment.end_sample - segment.start_sample <= 30 * RATE_HZ for segment in segments)
        assert all(before.end_sample <= after.start_sample for before, after in pairwise(segments))
        voiced = sum(segment.end_sample - segment.start_sample for segment in segments)
        assert voiced > 0.9 * len(samples)

    def test_a_segment_ends_with_the_audio(self, engine):
        said = record(ENGLISH[0])
        samples = said.samples[: said.ends[-1] - RATE_HZ // 10]
        assert len(samples) - RATE_HZ // 50 <= heard(engine, samples)[-1].end_sample <= len(samples)

    def test_silence_noise_music_and_nothing_are_no_segments(self, engine):
        time_s = np.arange(RATE_HZ * 3) / RATE_HZ
        chord = sum(np.sin(2 * np.pi * tone_hz * time_s) for tone_hz in (220, 277, 330)) * 5000
        noise = np.random.default_rng(1).standard_normal(RATE_HZ * 3) * 3000
        for samples in (np.zeros(RATE_HZ * 2), noise, chord, np.full(RATE_HZ * 2, 32767)):
            assert heard(engine, samples.astype(np.int16)) == []
        assert heard(engine, np.zeros(0, np.int16)) == []

    def test_an_unknown_language(self, engine):
        with pytest.raises(InvalidInputError) as refused:
            heard(engine, speech(), language="tlh")
        assert refused.value.reason == "UNSUPPORTED_LANGUAGE"
        assert refused.value.field == "language"


class TestAlign:
    @pytest.mark.parametrize("text", [*MIXED, ENGLISH[2], "好。", "(42)"])
    @pytest.mark.parametrize("min_confidence", ["0", "1"])
    def test_covers_every_word_and_never_runs_backwards(self, make_engine, text, min_confidence):
        samples = speech(text, 0.7)
        assert_covers(text, aligned(make_engine(min_confidence=min_confidence), text, samples), samples)

    @pytest.mark.parametrize(
        "text",
        ["Hi " + "\U0001f600" * 900 + " there.", "So " + "a" * 900 + " it is.", "1" * 1000, "Hi there" + "!?" * 400],
    )
    @pytest.mark.parametrize("min_confidence", ["0", "1"])
    def test_words_and_rows_of_marks_longer_than_whisper_can_read(self, make_engine, text, min_confidence):
        assert_covers(text, aligned(make_engine(min_confidence=min_confidence), text, speech()), speech())

    @pytest.mark.parametrize(
        "text", ["שלום עולם, זה מבחן.", "مرحبا بالعالم ١٢٣", "こんにちは世界", "\U0001d518\U0001d52b x", "<|en|> hi"]
    )
    def test_texts_in_another_language_than_the_voice(self, engine, text):
        assert_covers(text, aligned(engine, text, speech()), speech())

    def test_a_voice_much_longer_than_the_script(self, engine):
        samples = speech(" ".join(ENGLISH[1:3]), 0.3, 5)
        assert_covers("Two words.", aligned(engine, "Two words.", samples), samples)

    def test_a_script_much_longer_than_the_voice(self, make_engine):
        """Ten times as much as is said: words behind the end share what is left."""
        samples, text = speech(ENGLISH[0], 0.2, 2), " ".join(ENGLISH * 3)
        for min_confidence in ("0", "0.15", "1"):
            assert_covers(text, aligned(make_engine(min_confidence=min_confidence), text, samples), samples)

    @pytest.mark.parametrize("size", [500, 10**9])
    def test_any_cutting_of_the_audio_gives_the_same(self, engine, size):
        assert aligned(engine, MIXED[0], speech(), size) == aligned(engine, MIXED[0], speech())

    @pytest.mark.parametrize("min_confidence", ["0", "1"])
    def test_a_text_of_several_windows(self, make_engine, min_confidence):
        """70 s of speech, and more tokens than the decoder has positions."""
        text = " ".join([*ENGLISH, *MIXED] * 2)
        samples = speech(text, 0.5, 1)
        assert len(samples) > 65 * RATE_HZ
        words = aligned(make_engine(min_confidence=min_confidence), text, samples)
        assert_covers(text, words, samples)
        assert words[-1].end_sample > len(samples) * 0.9

    def test_the_attention_decides_where_words_are_sure(self, make_engine):
        sure = aligned(make_engine(min_confidence="0"), ENGLISH[1], speech())
        unsure = aligned(make_engine(min_confidence="1"), ENGLISH[1], speech())
        assert [word.confidence for word in sure] == [word.confidence for word in unsure]
        assert [word.start_sample for word in sure] != [word.start_sample for word in unsure]

    def test_unsure_words_are_spread_over_the_speech_by_their_letters(self, make_engine):
        samples = speech("one two three", 1.0, 1)
        a, abc = aligned(make_engine(min_confidence="1"), "a abc", samples)
        assert abc.end_sample - abc.start_sample == pytest.approx(3 * (a.end_sample - a.start_sample), rel=0.01)
        assert a.start_sample > 0.5 * RATE_HZ
        assert abc.end_sample < len(samples) - 0.5 * RATE_HZ

    @pytest.mark.parametrize(
        ("text", "samples", "reason"),
        [
            ("?!", np.ones(RATE_HZ, np.int16), "NOTHING_TO_SAY"),
            ("Hello.", np.zeros(RATE_HZ, np.int16), "SILENT"),
            ("Hello.", np.zeros(0, np.int16), "SILENT"),
            ("Hello, here are five words.", np.full(500, 99, np.int16), "AUDIO_TOO_SHORT"),
        ],
    )
    def test_what_cannot_be(self, engine, text, samples, reason):
        with pytest.raises(InvalidInputError) as refused:
            aligned(engine, text, samples)
        assert refused.value.reason == reason

    def test_noise_instead_of_speech_still_has_every_word(self, engine):
        noise = (np.random.default_rng(1).standard_normal(3 * RATE_HZ) * 3000).astype(np.int16)
        assert_covers(MIXED[0], aligned(engine, MIXED[0], noise), noise)


@pytest.mark.parametrize("method", ["transcribe", "align"])
def test_a_caller_who_leaves_stops_it(engine, method):
    left = Event()
    engine.warm_up(Progress())

    def audio():
        for number, chunk in enumerate(chunks(speech(), 4000)):
            if number == 3:
                left.set()
            assert number <= 4, "goes on for a caller who has left"
            yield chunk

    request = Listening(RATE_HZ) if method == "transcribe" else Alignment("Hello.", RATE_HZ)
    with pytest.raises(CancelledError):
        list(getattr(engine, method)(request, audio(), Progress(cancelled=left)))


def test_out_of_memory_fails_one_call(engine, monkeypatch):
    """CTranslate2's sentence where a card is full; a full card itself needs one."""
    loaded = engine._loaded(Progress())._model

    def full(features):
        raise RuntimeError("CUDA failed with error out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(loaded, "encode", full)
        with pytest.raises(ExhaustedError) as exhausted:
            heard(engine, speech())
    assert exhausted.value.reason == "OUT_OF_MEMORY"
    assert heard(engine, speech())


def test_loading_counts_its_stages(make_engine):
    progress = Progress()
    engine = make_engine()
    engine.warm_up(progress)
    engine.warm_up(progress)
    assert progress.units["load"] == progress.units["warm-up"] == 1
    assert engine.load_s > 0


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("beam_size", "0", "options.beam_size"),
        ("wings", "2", "options.wings"),
        ("compute_type", "int3", "options.compute_type"),
    ],
)
def test_settings_that_cannot_be(make_engine, name, value, field):
    with pytest.raises(InvalidInputError) as refused:
        make_engine(**{name: value}).warm_up(Progress())
    assert refused.value.field == field


@pytest.mark.parametrize("device", ["cuda:7", "cpu:x"])
def test_no_such_device(make_engine, device):
    with pytest.raises(FailedPreconditionError) as refused:
        make_engine(device=device).warm_up(Progress())
    assert refused.value.reason == "DEVICE_MISSING"


def test_quantised_as_it_is_loaded(make_engine):
    samples = speech()
    assert_covers(MIXED[0], aligned(make_engine(compute_type="int8"), MIXED[0], samples), samples)


def test_no_checkpoint_set(make_engine):
    with pytest.raises(FailedPreconditionError, match="VIGENT_ASR_CHECKPOINT"):
        make_engine(None)
