"""Phrases stay on one line where they fit; a break inside is a cost, not forbidden."""

import pytest

from orchestrator.captions.breaking import break_lines
from orchestrator.captions.layout import CaptionLayout
from orchestrator.captions.phrases import phrases
from services.text.timing import SpokenTimes
from services.typography.styles import load_style

PORTRAIT = CaptionLayout.of(load_style("subtitle"), 1080, 1920)


def lines_of(text: str, layout: CaptionLayout = PORTRAIT) -> list[str]:
    times = SpokenTimes.of_words(text, (), 16_000, 0.3 * len(text))
    return [text[line.char_start : line.char_end].strip() for line in break_lines(text, layout, times)]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            "今天我们聊聊 large language model 是怎么工作的，以及为什么它会改变世界。",
            ["今天我们聊聊", "large language model", "是怎么工作的，", "以及为什么它会改变世界。"],
        ),
        (
            "苹果发布了 iPhone 15 Pro Max 手机，售价 9999 元起。",
            ["苹果发布了", "iPhone 15 Pro Max 手机，", "售价 9999 元起。"],
        ),
        (
            "昨天读完了列夫·托尔斯泰的《战争与和平》，今天想和你们聊聊读后感。",
            ["昨天读完了列夫·托尔斯泰的", "《战争与和平》，", "今天想和你们聊聊读后感。"],
        ),
        (
            "他最喜欢的电影是《肖申克的救赎》和《阿甘正传》，每年都会再看一遍。",
            ["他最喜欢的电影", "是《肖申克的救赎》", "和《阿甘正传》，", "每年都会再看一遍。"],
        ),
        (
            "The Great Gatsby was written by F. Scott Fitzgerald in New York City.",
            ["The Great Gatsby was written", "by F. Scott Fitzgerald", "in New York City."],
        ),
        (
            "We raised $5 million dollars from Sequoia Capital and about 3 thousand people joined us last year.",
            [
                "We raised $5 million dollars",
                "from Sequoia Capital",
                "and about 3 thousand people",
                "joined us last year.",
            ],
        ),
        (
            "We use the open source project called Visual Studio Code every single day of the week.",
            ["We use the open", "source project", "called Visual Studio Code", "every single day of the week."],
        ),
    ],
)
def test_a_phrase_that_fits_stays_on_one_line(text, lines):
    assert lines_of(text) == lines


@pytest.mark.parametrize(
    "phrase",
    [
        "large language model",
        "GPT-4o mini",
        "RTX 4090 Ti",
        "Model Context Protocol",
        "《百年孤独》",
        "“今天天气真不错”",
        "「物联网」",
        "乔治·华盛顿",
        "三百五十公里",
        "四个小时",
    ],
)
@pytest.mark.parametrize("before", ["我们", "今天我们来聊聊", "大家都知道这几年来最热门的就是"])
@pytest.mark.parametrize("after", ["。", "是怎么回事", "到底是怎么一回事，为什么人人都在说它。"])
def test_a_short_phrase_is_whole_wherever_it_stands(phrase, before, after):
    assert any(phrase in line for line in lines_of(f"{before}{phrase}{after}"))


def test_a_phrase_longer_than_a_line_is_broken():
    run = "retrieval augmented generation with very long context windows and many tools"
    lines = lines_of(f"我们用 {run} 来回答。")
    assert " ".join(lines).replace("  ", " ").count(run)
    assert all(PORTRAIT.width_px(line) <= PORTRAIT.line_width_px for line in lines)


@pytest.mark.parametrize("text", ["我在家看书。", "I read a book at home.", "it's 5", "“", "《", "a b c"])
def test_plain_text_has_no_phrase(text):
    assert list(phrases(text)) == []
