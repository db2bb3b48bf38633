import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.text.words import words_of


def split(text: str) -> list[str]:
    return [text[word.start : word.end] for word in words_of(text)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("大家好", ["大", "家", "好"]),
        ("GPT-4涨了3.5%", ["GPT", "4", "涨", "了", "3.5%"]),
        ("它花了 $5.99, 不是1,000元", ["它", "花", "了", "$5.99", "不", "是", "1,000", "元"]),
        ("Don't say “I’m 5°C”.", ["Don't", "say", "I’m", "5°", "C"]),
        ("C++语言和C#", ["C++", "语", "言", "和", "C#"]),
        ("Qwen3 x264", ["Qwen3", "x264"]),
        ("naïve Straße Привет", ["naïve", "Straße", "Привет"]),
        ("ＡＩ２０２５年", ["ＡＩ２０２５", "年"]),
        ("カタカナ한국어", ["カ", "タ", "カ", "ナ", "한국어"]),
        ("𠮷野家〇々", ["𠮷", "野", "家", "〇", "々"]),
        ("e\u0301te\u0301", ["e\u0301te\u0301"]),
        ("…！😀 — ", []),
        ("", []),
    ],
)
def test_cuts_words(text, words):
    assert split(text) == words


@given(st.text(max_size=60))
def test_every_letter_and_digit_is_in_exactly_one_word(text):
    covered = [offset for word in words_of(text) for offset in range(word.start, word.end)]
    assert len(covered) == len(set(covered))
    assert covered == sorted(covered)
    assert {offset for offset, char in enumerate(text) if char.isalnum()} <= set(covered)
    assert not any(unicodedata.category(text[offset]).startswith("Z") for offset in covered)
