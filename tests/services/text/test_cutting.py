import itertools

import pytest

from services.text.cutting import cut
from services.text.line_length import max_units, units_of
from services.text.timing import Word
from services.text.words import words_of

RATE_HZ = 16_000
ENGLISH = (
    "We went down to the harbour, where the boats were, and asked Mr. Smith what a ticket cost. It was 3.50 dollars! "
    "Nobody had told us that the ferry would leave without waiting for the people who had already paid for it. OK."
)
CHINESE = "大家好，今天我们来聊一聊人工智能如何改变短视频的制作方式，以及普通人怎样用iPhone15拍出好看的画面。谢谢！"


@pytest.mark.parametrize("text", [ENGLISH, CHINESE], ids=["English", "Chinese"])
def test_lines_are_no_longer_than_those_of_captions_and_lose_nothing(text):
    subtitles = cut(text, (), 8_000, 8_000 + 20 * RATE_HZ, RATE_HZ)
    assert len(subtitles) > 3
    assert "".join("".join(each.text for each in subtitles).split()) == "".join(text.split())
    assert all(units_of(each.text) <= max_units(text) for each in subtitles)
    assert (subtitles[0].start_ms, subtitles[-1].end_ms) == (500, 20_500)
    assert all(before.end_ms <= after.start_ms for before, after in itertools.pairwise(subtitles))
    assert all(each.start_ms < each.end_ms for each in subtitles)


def test_sentences_and_clauses_come_first():
    lines = [each.text for each in cut(ENGLISH, (), 0, RATE_HZ, RATE_HZ)]
    assert lines[:2] == ["We went down to the harbour,", "where the boats were,"]
    assert "It was 3.50 dollars!" in lines
    assert lines[-1] == "OK."
    chinese = [each.text for each in cut(CHINESE, (), 0, RATE_HZ, RATE_HZ)]
    assert any("iPhone15" in line for line in chinese)
    assert chinese[-1] == "谢谢！"


def test_times_are_those_of_the_words():
    text = "One two. Three four."
    starts_s = (1.0, 1.5, 7.0, 8.0)
    words = [
        Word(word.start, word.end, round(start_s * RATE_HZ), round((start_s + 0.4) * RATE_HZ))
        for word, start_s in zip(words_of(text), starts_s, strict=True)
    ]
    subtitles = cut(text, words, RATE_HZ, 10 * RATE_HZ, RATE_HZ)
    assert [(each.start_ms, each.end_ms) for each in subtitles] == [(1000, 1900), (7000, 8400)]


@pytest.mark.parametrize(("text", "lines"), [("", []), ("...", []), ("x" * 60, ["x" * 60])])
def test_what_cannot_be_cut(text, lines):
    assert [each.text for each in cut(text, (), 0, RATE_HZ, RATE_HZ)] == lines
