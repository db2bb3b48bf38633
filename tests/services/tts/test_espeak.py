import threading

import numpy as np
import pytest

from services.base.errors import CancelledError, InvalidInputError
from services.enginekit.progress import Progress
from services.enginekit.settings import EngineSettings
from services.media.timeline import samples_per_frame
from services.text.notation.dictionary import Dictionary
from services.text.pauses import Pause
from services.text.pronunciation import Pronunciation
from services.text.words import words_of
from services.tts.engine import Finish, FinishReason, Speech, Synthesis, WordMark
from services.tts.espeak import EspeakEngine

MIXED = "大家好，这是 Qwen3 TTS 的 Hello world 测试，2025年价格是 128 元，涨了3.5%。"


@pytest.fixture(scope="module")
def engine() -> EspeakEngine:
    return EspeakEngine(EngineSettings())


def take(engine: EspeakEngine, request: Synthesis) -> tuple[np.ndarray, list[WordMark], Finish]:
    *events, finish = engine.synthesize(request, Progress())
    marks = [event for event in events if isinstance(event, WordMark)]
    samples = np.concatenate([event.pcm for event in events if isinstance(event, Speech)])
    assert isinstance(finish, Finish)
    return samples, marks, finish


def pitch_hz(samples: np.ndarray, sample_rate_hz: int) -> float:
    """Median pitch of the voiced stretches, by autocorrelation."""
    pitches = []
    for start in range(0, len(samples) - 1024, 512):
        frame = samples[start : start + 1024].astype(float)
        echo = np.correlate(frame, frame, "full")[1023:]
        shortest, longest = sample_rate_hz // 400, sample_rate_hz // 60
        lag = shortest + int(np.argmax(echo[shortest:longest]))
        if frame.std() > 500 and echo[lag] > 0.5 * echo[0]:
            pitches.append(sample_rate_hz / lag)
    return float(np.median(pitches))


def test_speaks_int16_at_a_rate_that_fits_film_frames(engine):
    samples, _, finish = take(engine, Synthesis(MIXED))
    assert samples.dtype == np.int16
    assert samples_per_frame(engine.sample_rate_hz) == 882
    assert 5 < len(samples) / engine.sample_rate_hz < 20
    assert finish == Finish(FinishReason.END_OF_TEXT)


def test_marks_every_word_of_the_script(engine):
    samples, marks, _ = take(engine, Synthesis(MIXED))
    assert [(mark.char_start, mark.char_end) for mark in marks] == [(word.start, word.end) for word in words_of(MIXED)]
    starts = [mark.start_sample for mark in marks]
    assert starts == sorted(starts)
    assert 0 <= starts[0] <= starts[-1] < len(samples)


@pytest.mark.parametrize(
    ("written", "spelled"),
    [("涨了3.5%。", "涨了百分之三点五。"), ("It cost $5 in 2024.", "It cost five dollars in twenty twenty-four.")],
)
def test_says_numbers_in_words(engine, written, spelled):
    assert np.array_equal(take(engine, Synthesis(written))[0], take(engine, Synthesis(spelled))[0])


def test_streams(engine):
    """The first samples are there long before the last were made."""
    progress = Progress()
    events = engine.synthesize(Synthesis(MIXED * 10), progress)
    first = next(event for event in events if isinstance(event, Speech))
    made_before, made_after = progress.units_done, sum(isinstance(event, Speech) for event in events) + 1
    assert len(first.pcm) <= engine.sample_rate_hz // 5 + 1
    assert made_before == 1 < made_after == progress.units_done


def test_same_request_same_samples_whatever_was_said_between(engine):
    request = Synthesis(MIXED, voice="woman", seed=7, speed=1.2)
    first, _, _ = take(engine, request)
    take(engine, Synthesis("Something else.", voice="whisper"))
    again, _, _ = take(engine, request)
    assert np.array_equal(first, again)


def test_all_voices_are_different_and_women_are_higher(engine):
    voices = [voice.id for voice in engine.voices()]
    takes = {voice: take(engine, Synthesis("大家好，欢迎来到我们的频道。", voice=voice))[0] for voice in voices}
    assert len({samples.tobytes() for samples in takes.values()}) == len(voices) >= 8
    pitches = {voice: pitch_hz(takes[voice], engine.sample_rate_hz) for voice in ("man", "woman", "woman-high")}
    assert pitches["man"] < 120 < 140 < pitches["woman"] < pitches["woman-high"]


def test_the_first_voice_is_the_default(engine):
    named, _, _ = take(engine, Synthesis("你好", voice=engine.voices()[0].id))
    assert np.array_equal(named, take(engine, Synthesis("你好"))[0])
    assert {"zh", "en", "fr", "yue"} <= set(engine.voices()[0].languages)


@pytest.mark.parametrize("language", ["", "zh", "zh-CN", "en", "en-GB", "fr", "ja"])
def test_speaks_languages_by_their_tag(engine, language):
    text = "おはよう" if language == "ja" else "hello 2025"
    assert len(take(engine, Synthesis(text, language))[0]) > 5_000


def test_stops_within_a_unit_when_cancelled(engine):
    cancelled = threading.Event()
    progress = Progress(cancelled=cancelled)
    events = engine.synthesize(Synthesis(MIXED * 10), progress)
    next(event for event in events if isinstance(event, Speech))
    cancelled.set()
    with pytest.raises(CancelledError):
        list(events)
    assert progress.units_done == 2
    assert "espeak" not in {thread.name for thread in threading.enumerate()}


def test_cuts_a_take_at_the_cap():
    engine = EspeakEngine(EngineSettings(options={"longest_take_s": "1"}))
    samples, _, finish = take(engine, Synthesis(MIXED))
    assert len(samples) == engine.sample_rate_hz
    assert finish == Finish(FinishReason.LENGTH_CAP)


@pytest.mark.parametrize(
    ("request_", "field", "reason", "hint"),
    [
        (Synthesis("。！😀"), "text", "NOTHING_TO_SAY", ""),
        (Synthesis("hi", voice="women"), "voice", "UNKNOWN_VOICE", "woman"),
        (Synthesis("hi", language="zz"), "language", "UNKNOWN_LANGUAGE", "Closest"),
        (Synthesis("東京に行きます"), "text", "UNREADABLE_SCRIPT", "kana"),
        (Synthesis("hi", reference_audio="/a.wav"), "reference_audio", "CANNOT_CLONE", "qwen3"),
    ],
)
def test_refuses_what_it_cannot_say(engine, request_, field, reason, hint):
    with pytest.raises(InvalidInputError) as refused:
        list(engine.synthesize(request_, Progress()))
    assert (refused.value.field, refused.value.reason) == (field, reason)
    assert hint in refused.value.remedy


@pytest.mark.parametrize("seconds", ["a while", "0", "nan", "inf"])
def test_a_longest_take_of_no_use_is_a_wrong_setting(seconds):
    with pytest.raises(InvalidInputError) as caught:
        EspeakEngine(EngineSettings(options={"longest_take_s": seconds}))
    assert caught.value.field == "options.longest_take_s"


def told(text: str, *entries: str) -> tuple[Pronunciation, ...]:
    return Dictionary.of(entries, "").pronunciations(text)


def test_a_pause_is_silence_of_its_length_and_words_after_it_come_later(engine):
    text = "今天很好，明天再说。"
    plain, before, _ = take(engine, Synthesis(text[:5]))
    whole, marks, _ = take(engine, Synthesis(text, pauses=(Pause(5, 1.0), Pause(10, 0.5))))
    rate = engine.sample_rate_hz
    assert np.array_equal(whole[: len(plain)], plain)
    assert not whole[len(plain) : len(plain) + rate].any()
    assert not whole[-rate // 2 :].any()
    assert [mark.start_sample for mark in marks[:4]] == [mark.start_sample for mark in before]
    assert marks[4].start_sample == len(plain) + rate
    assert [(mark.char_start, mark.char_end) for mark in marks] == [(word.start, word.end) for word in words_of(text)]


def test_a_word_is_marked_where_it_stands_however_it_is_said(engine):
    text = "我在重庆用SQL。"
    readings = told(text, "重庆=chóng qìng", "SQL=structured query language")
    samples, marks, _ = take(engine, Synthesis(text, pronunciations=readings))
    assert [text[mark.char_start : mark.char_end] for mark in marks] == ["我", "在", "重", "庆", "用", "SQL"]
    assert len(samples) > len(take(engine, Synthesis(text))[0]) + engine.sample_rate_hz // 2


def test_a_mute_text_with_pauses_is_refused(engine):
    with pytest.raises(InvalidInputError) as refused:
        list(engine.synthesize(Synthesis("……", pauses=(Pause(2, 1.0),)), Progress()))
    assert refused.value.reason == "NOTHING_TO_SAY"
