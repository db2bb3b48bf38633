"""How wrong a take is, by what was heard."""

import numpy as np
import pytest

from orchestrator.making.judge import error_rate, take_error_rate
from orchestrator.making.take import Take
from services.text.pronunciation import Pronunciation, ReadingKind
from services.text.sentences import Sentence
from vigent.asr.v1.asr_pb2 import TranscribedSegment
from vigent.media.v1.media_pb2 import Word

RATE_HZ = 24_000


def rate(said: str, heard: str, language: str, *pronunciations: Pronunciation) -> float:
    return error_rate(Sentence(said, 0, len(said), pronunciations), heard, language)


@pytest.mark.parametrize(
    ("said", "heard", "expected"),
    [
        ("Hello, World!", "hello world", 0.0),
        ("abcd", "abxcd", 0.25),
        ("abcd", "", 1.0),
        ("ab", "abcdef", 2.0),
        ("", "", 0.0),
        ("。", "a", 1.0),
    ],
)
def test_it_is_edits_over_what_was_to_be_said(said: str, heard: str, expected: float) -> None:
    assert rate(said, heard, "en") == expected


@pytest.mark.parametrize(
    ("said", "heard", "language"),
    [
        ("他花了3年时间，终于写完了这本书。", "它花了三年時間,終於寫完了這本書", "zh"),
        ("秋天像一幅美丽的画。", "秋天像一幅美丽的话。", "zh"),
        ("这款手机的价格是2999元。", "这款手机的价格是2,999元", "zh"),
        ("He has been playing since he was five.", "He has been playing since he was 5.", "en"),
        ("The train leaves at 7:30.", "The train leaves at 7.30.", "en"),
    ],
)
def test_homophones_and_other_ways_to_write_are_no_errors(said: str, heard: str, language: str) -> None:
    assert rate(said, heard, language) == 0


def test_another_word_is_an_error() -> None:
    assert rate("我们下期再见。", "我们明天吃饭。", "zh") > 0.3
    assert rate("Please close the window.", "Please close the door.", "en") > 0.16


def test_a_reading_that_was_told_is_what_was_to_be_said() -> None:
    told = Pronunciation(0, 2, ReadingKind.PINYIN, "chang2 lü4")
    assert rate("长绿了。", "常率了。", "zh") > 0
    assert rate("长绿了。", "常率了。", "zh", told) == 0


def take_of(seconds: float, fade_s: float = 0.1) -> Take:
    """A take that sounds all the time until it fades, and the pause after it."""
    take, samples = Take(RATE_HZ), round(seconds * RATE_HZ)
    level = 5000 * np.clip(np.arange(samples, 0, -1) / max(1, fade_s * RATE_HZ), 0, 1) ** 2
    take.append((np.random.default_rng(1).normal(0, 1, samples) * level).astype("<i2").tobytes())
    take.close(0.24)
    return take


def heard(text: str, *word_s: tuple[float, float]) -> list[TranscribedSegment]:
    """A segment of two seconds with a word in each span."""
    words = [Word(start_sample=round(start * RATE_HZ), end_sample=round(end * RATE_HZ)) for start, end in word_s]
    return [TranscribedSegment(text=text, start_sample=0, end_sample=2 * RATE_HZ, words=words)]


@pytest.mark.parametrize(
    ("seconds", "word_s", "expected"),
    [
        (2.0, [(0.0, 1.0), (1.1, 2.0)], 0.0),
        (3.0, [(0.0, 1.0), (1.1, 2.0)], 1 / 3),  # the last second again, which the listener left out
        (3.0, [(0.0, 1.0), (2.0, 3.0)], 1 / 3),
        (3.0, [], 1 / 3),  # an engine that tells no words
        (2.0, [], 0.0),
    ],
)
def test_sound_in_which_no_word_was_heard_is_an_error(
    seconds: float, word_s: list[tuple[float, float]], expected: float
) -> None:
    said = Sentence("Hello world.", 0, 12)
    rate = take_error_rate(said, take_of(seconds), heard("hello world", *word_s), "en")
    assert rate == pytest.approx(expected, abs=0.01)


def test_wrong_and_unheard_add_up() -> None:
    rate = take_error_rate(Sentence("abcd", 0, 4), take_of(4.0), heard("abxd", (0, 2)), "en")
    assert rate == pytest.approx(0.25 + 0.5, abs=0.01)


def test_a_sound_that_stops_at_once_is_a_hint() -> None:
    """Whisper writes the word that was cut off, as it is the likeliest."""
    said, words = Sentence("Hello world.", 0, 12), heard("hello world", (0.0, 2.0))
    assert take_error_rate(said, take_of(2.0, fade_s=0), words, "en") == pytest.approx(0.1)
    assert take_error_rate(said, take_of(2.0), words, "en") == 0
