"""How wrong a take is, by what was heard."""

import pytest

from orchestrator.making.judge import error_rate
from services.text.pronunciation import Pronunciation, ReadingKind
from services.text.sentences import Sentence


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
