import statistics
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.captions.breaking import Line, break_lines, break_title
from orchestrator.captions.layout import CaptionLayout
from orchestrator.captions.opportunities import CLOSING, OPENING
from services.text.line_length import max_units, units_of
from services.text.timing import SpokenTimes, Word
from services.text.tokens import protected_spans
from services.typography.styles import load_style
from tests.support.sentences import FIXTURE, mixed

PORTRAIT = CaptionLayout.of(load_style("subtitle"), 1080, 1920)
LANDSCAPE = CaptionLayout.of(load_style("subtitle"), 1920, 1080)
NARROW = CaptionLayout.of({**load_style("subtitle", "spotlight"), "size": 0.09}, 1080, 1920)
LAYOUTS = [PORTRAIT, LANDSCAPE, NARROW]


def times_of(text: str, seconds: float | None = None) -> SpokenTimes:
    return SpokenTimes.of_words(text, (), 16_000, seconds or 0.2 * len(text))


def shown(text: str, lines: list[Line], layout: CaptionLayout = PORTRAIT) -> list[str]:
    return [layout.shown(text[line.char_start : line.char_end]) for line in lines]


def cuts(text: str, lines: list[Line], tokens: list[tuple[int, int]]) -> list[str]:
    """Tokens with a break inside."""
    places = {line.char_end for line in lines[:-1]}
    return [text[start:end] for start, end in tokens if places.intersection(range(start + 1, end))]


@given(mixed(), st.sampled_from(LAYOUTS))
@settings(max_examples=300, deadline=None)
def test_never_cuts_a_token_never_loses_a_character_and_keeps_to_the_limit(sample, layout):
    text, tokens = sample
    lines = break_lines(text, layout, times_of(text))
    assert "".join(text[line.char_start : line.char_end] for line in lines) == text
    assert cuts(text, lines, tokens) == []
    assert not lines[0].joined
    for line, drawn in zip(lines, shown(text, lines, layout), strict=True):
        within = layout.width_px(drawn) <= layout.line_width_px and units_of(drawn) <= max_units(text)
        assert within or is_one_token(text, line)


def is_one_token(text: str, line: Line) -> bool:
    """Whether a line has one token and, at most, marks with the character that they tie to it."""
    drawn = text[line.char_start : line.char_end]
    start, end = max(protected_spans(drawn), key=lambda span: span[1] - span[0], default=(0, 0))
    return sum(character.isalnum() for character in drawn[:start] + drawn[end:]) <= 1


@given(mixed(), st.sampled_from(LAYOUTS))
@settings(max_examples=150, deadline=None)
def test_no_line_starts_with_a_closing_or_ends_with_an_opening_mark(sample, layout):
    text, _ = sample
    for line in break_lines(text, layout, times_of(text)):
        source = text[line.char_start : line.char_end]
        assert line.char_start == 0 or source.lstrip()[:1] not in CLOSING
        assert line.char_end == len(text) or source.rstrip()[-1:] not in OPENING


@pytest.mark.parametrize("layout", LAYOUTS, ids=["portrait", "landscape", "narrow"])
def test_real_sentences_have_no_cut_token(layout):
    assert len(FIXTURE) >= 60
    for sentence, tokens in FIXTURE:
        spans, position = [], 0
        for token in tokens:
            if (start := sentence.find(token, position)) >= 0:
                spans.append((start, start + len(token)))
        assert len(spans) == len(tokens), sentence
        assert cuts(sentence, break_lines(sentence, layout, times_of(sentence)), spans) == [], sentence


def test_real_sentences_break_well():
    """Breaks inside of words, lonely characters and silent lines; the time is printed, not judged."""
    seconds, bad = [], []
    for sentence, _ in FIXTURE:
        started = time.perf_counter()
        lines = break_lines(sentence, PORTRAIT, times_of(sentence))
        seconds.append(time.perf_counter() - started)
        bad += [line for line in shown(sentence, lines)[1:] if sum(letter.isalnum() for letter in line) < 2]
    print(f"{statistics.mean(seconds) * 1e3:.2f} ms a sentence, {max(seconds) * 1e3:.2f} ms the slowest")
    assert bad == []


def test_words_of_chinese_stay_whole():
    text = "南京市长江大桥已经通车了，欢迎大家前来参观游览。"
    assert shown(text, break_lines(text, PORTRAIT, times_of(text))) == [
        "南京市长江大桥已经通车了",
        "欢迎大家前来参观游览",
    ]


def test_one_line_is_preferred():
    assert len(break_lines("大家好，我是小薇。", PORTRAIT, times_of("大家好，我是小薇。"))) == 1


def test_english_breaks_before_prepositions_and_not_after_articles():
    text = "The quick brown fox jumps over the lazy dog and then it runs away from a very big and hungry bear."
    for line in shown(text, break_lines(text, PORTRAIT, times_of(text)))[:-1]:
        assert line.split()[-1].lower() not in {"the", "a", "and", "from", "very"}


def test_breaks_where_the_voice_pauses():
    text = "今天我们聊聊语音明天聊聊视频"
    words = [Word(0, 6, 0, 24_000), Word(6, 14, 36_000, 60_000)]
    lines = break_lines(text, PORTRAIT, SpokenTimes.of_words(text, words, 16_000, 4.0))
    assert lines[0].char_end == 6


def test_a_cue_ends_where_viewers_wait():
    """Two lines that share a cue when they are spoken at once do not when there is a second of silence between."""
    text = "快快快，跑跑跑跑"
    for silence_s, joined in ((0.0, True), (1.0, False)):
        second = 4_000 + round(16_000 * silence_s)
        words = [Word(0, 3, 0, 4_000), Word(4, 8, second, second + 4_000)]
        lines = break_lines(text, NARROW, SpokenTimes.of_words(text, words, 16_000, 0.5 + silence_s))
        assert (lines[0].char_end, lines[0].joined) == (4, False)
        assert lines[1].joined is joined


def test_lines_spoken_too_fast_share_a_cue():
    text = "快快快，跑跑跑跑，跳跳跳跳跳，唱唱唱唱唱。"
    assert any(line.joined for line in break_lines(text, NARROW, times_of(text, 2.0)))
    assert not any(line.joined for line in break_lines(text, NARROW, times_of(text, 20.0)))


def test_a_token_wider_than_the_line_stands_alone():
    text = "见 https://vigent.dev/a/very/long/path/that/fits/no/line/at/all 谢谢大家"
    lines = shown(text, break_lines(text, PORTRAIT, times_of(text)))
    assert "https://vigent.dev/a/very/long/path/that/fits/no/line/at/all" in lines


def test_titles_break_evenly_and_keep_line_breaks():
    layout = CaptionLayout.of(load_style("title"), 1080, 1920)
    assert break_title("会说话的短视频\n三步做好", layout) == ("会说话的短视频", "三步做好")
    lines = break_title("用 Qwen3-TTS 三步做出会说话的短视频", layout)
    assert 2 <= len(lines) <= 3
    assert "Qwen3-TTS" in " ".join(lines)
    assert all(layout.width_px(line) <= layout.line_width_px for line in lines)
