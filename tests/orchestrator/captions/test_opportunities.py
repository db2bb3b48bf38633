"""Words where lines may break, with and without the whole dictionary."""

import re
import subprocess
import sys

import jieba
import pytest

from orchestrator.captions.opportunities import WORDS_WITHOUT_HAN, jieba_words
from services.text.tokens import HAN


@pytest.fixture(scope="module")
def whole() -> jieba.Tokenizer:
    tokenizer = jieba.Tokenizer()
    tokenizer.initialize()
    return tokenizer


def test_the_words_without_han_characters_are_all_that_the_dictionary_has(whole: jieba.Tokenizer) -> None:
    words = (word for word, frequency in whole.FREQ.items() if frequency and len(word) > 1)
    assert sorted(word for word in words if not re.search(f"[{HAN}]", word)) == sorted(WORDS_WITHOUT_HAN)


@pytest.mark.parametrize(
    "text",
    [
        "AT&T writes C++, c# and C# 3.5% faster; don't say v2.0, e.g. A.B.C or x_y-z, costs 1,000.",
        "C+ AT& AT&TC++ c",
        "Un café naïf, Привет, こんにちは!",
        "",
    ],
)
def test_other_texts_have_the_same_words_without_the_dictionary(whole: jieba.Tokenizer, text: str) -> None:
    assert jieba_words(text) == list(whole.tokenize(text))


def test_the_dictionary_is_read_for_han_characters_alone() -> None:
    script = (
        "from orchestrator.captions.opportunities import _JIEBA, break_costs\n"
        "for text in ('Hello, C++.', '你好，世界。'): break_costs(text); print(_JIEBA.initialized)"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True)
    assert told.stdout.split() == ["False", "True"]
