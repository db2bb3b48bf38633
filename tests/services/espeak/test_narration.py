import threading
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.base.errors import InternalError, InvalidInputError
from services.espeak.library import SAMPLE_RATE_HZ, PhonemeBegan, speak
from services.espeak.narration import MANDARIN, SpokenWord, _source, narrate
from services.text.words import words_of
from tests.services.text.readings import READINGS


def spoken(text: str, **options) -> tuple[np.ndarray, list[SpokenWord]]:
    events = list(narrate(text, **options))
    words = [event for event in events if isinstance(event, SpokenWord)]
    return np.concatenate([event for event in events if not isinstance(event, SpokenWord)]), words


def phonemes(text: str, language: str = "") -> str:
    """Phonemes as espeak names them, a space after each syllable or word."""
    source = _source(text, language, "")
    events = speak(source.said, source.voice, words_per_minute=175, markup=source.markup)
    names = [event.name for event in events if isinstance(event, PhonemeBegan)]
    return "".join(" " if name.startswith("_") else name for name in names)


@pytest.mark.parametrize(
    ("text", "syllables"),
    [
        ("大家好", "t'A tS;'iA X'Au"),
        ("银行行长", "ji nX'A N XA Nts.'A N"),
        ("英雄", "j'i N S;'ong"),
        ("玩儿", "w'A n '@r"),
        ("你好", "niX'Au"),
    ],
)
def test_reads_hanzi_as_hanzi(text, syllables):
    """Expected from pinyin (da jia hao, yin hang hang zhang, ying xiong, wan er, ni hao) in espeak's phoneme names."""
    read = phonemes(text)
    assert read.replace(" ", "") == syllables.replace(" ", "")
    assert "(en)" not in read


def test_reads_every_hanzi_of_a_long_script_in_chinese():
    text = "穷人和富人都会胸怀大志，兄弟们一会儿在这儿看熊猫，那儿的女儿在哪儿？凶险的雄鹰也很窘迫。"
    assert "(en)" not in phonemes(text)


@pytest.mark.parametrize(
    ("text", "heard"),
    [("我用Hello世界", "(en)h@loU"), ("GPT-4很强", "(en)dZ"), ("2025年", "'@rl'iN'@rw'u"), ("3.5%", "p'aif'@nts.'i.")],
)
def test_speaks_english_and_numbers_inside_chinese(text, heard):
    assert heard in phonemes(text, "zh").replace(" ", "")


def test_reads_hanzi_inside_english_as_hanzi_and_numbers_as_english():
    read = phonemes("The word 你好 means hello in 2025").replace(" ", "")
    assert "niX'Au" in read
    assert "tw'Entitw'Enti" in read


@pytest.mark.parametrize(("language", "written", "spelled"), READINGS)
def test_says_numbers_and_signs_as_if_they_were_spelled_out(language, written, spelled):
    assert phonemes(written, language) == phonemes(spelled, language)


@pytest.mark.parametrize("language", ["", "zh"])
def test_what_is_written_has_the_times_of_what_is_said(language):
    _, written = spoken("等到2024年5月涨了3.5%吧。", language=language)
    _, spelled = spoken("等到二零二四年五月涨了百分之三点五吧。", language=language)
    starts = {word.char_start: word.start_sample for word in spelled}
    assert [word.start_sample for word in written] == [starts[place] for place in (0, 1, 2, 6, 7, 8, 9, 10, 11, 17)]


def test_the_same_take_twice_is_the_same_sample_for_sample():
    first, words = spoken("大家好，这是 Qwen3 的测试。", variant="f2")
    spoken("Something else in between, with another voice.", variant="whisper", speed=1.7)
    second, again = spoken("大家好，这是 Qwen3 的测试。", variant="f2")
    assert np.array_equal(first, second)
    assert words == again


def test_takes_side_by_side_do_not_disturb_each_other():
    texts = ["大家好，今天我们来聊一聊。", "Good morning, everyone, and welcome.", "用 Hello world 测试 128 元。"]
    alone = [spoken(text)[0] for text in texts]
    together: dict[str, np.ndarray] = {}
    threads = [threading.Thread(target=lambda text=text: together.update({text: spoken(text)[0]})) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(together[text], samples) for text, samples in zip(texts, alone, strict=True))


def test_speaks_while_it_is_heard():
    before = {thread.name for thread in threading.enumerate()}
    narration = narrate("这是一个很长的句子，" * 20)
    next(narration)
    assert "espeak" in {thread.name for thread in threading.enumerate()} - before  # still speaking
    narration.close()
    assert "espeak" not in {thread.name for thread in threading.enumerate()} - before


def test_words_start_where_the_voice_starts():
    samples, words = spoken("好，好，好，好。")
    silence = np.abs(samples.astype(int)) < 200
    for word in words:
        assert not silence[word.start_sample : word.end_sample].all()
    for before, after in pairwise(words):
        pause = slice(before.end_sample + SAMPLE_RATE_HZ // 100, after.start_sample)
        assert silence[pause].all()
        assert pause.stop - pause.start > SAMPLE_RATE_HZ // 20


@pytest.mark.parametrize("ellipsis", ["……", "…", "...", "......"])
@pytest.mark.parametrize(
    ("before", "after"), [("我觉得", "可以。"), ("I think", " so."), ("我觉得", " OK吗？"), ("R&D", " <b> 好。")]
)
def test_an_ellipsis_inside_a_sentence_is_a_pause(before, after, ellipsis):
    text = f"{before}{ellipsis}{after}"
    samples, words = spoken(text)
    assert [(word.char_start, word.char_end) for word in words] == [(word.start, word.end) for word in words_of(text)]
    first = next(index for index, word in enumerate(words) if word.char_start > len(before))
    assert words[first].start_sample - words[first - 1].end_sample > SAMPLE_RATE_HZ // 2
    assert len(spoken(f"{before}{after}{ellipsis}")[0]) < len(samples) - SAMPLE_RATE_HZ // 4


def test_speed_changes_the_length():
    slow, normal, fast = (len(spoken("今天天气很好，我们出去走走。", speed=speed)[0]) for speed in (0.5, 1.0, 2.0))
    assert slow > 1.5 * normal > 1.5 * 1.5 * fast


SCRIPT = st.text(alphabet="大家好一二行长儿abcdXYZ019 ,，。.%$'-😀éПあ", min_size=1, max_size=40)


@settings(max_examples=60, deadline=None)
@given(SCRIPT)
def test_times_every_word_of_any_script_in_order(text):
    if not words_of(text):
        with pytest.raises(InvalidInputError, match="no letter or digit"):
            spoken(text)
        return
    samples, words = spoken(text)
    assert [(word.char_start, word.char_end) for word in words] == [(word.start, word.end) for word in words_of(text)]
    bounds = [bound for word in words for bound in (word.start_sample, word.end_sample)]
    assert bounds == sorted(bounds)
    assert 0 <= bounds[0] <= bounds[-1] <= len(samples)


def test_refuses_a_text_without_words():
    with pytest.raises(InvalidInputError) as refused:
        narrate("。！😀…")
    assert (refused.value.field, refused.value.reason) == ("text", "NOTHING_TO_SAY")


def test_refuses_an_unknown_language_and_names_near_ones():
    with pytest.raises(InvalidInputError, match="Closest: ") as refused:
        narrate("hello", language="klingonese")
    assert (refused.value.field, refused.value.reason) == ("language", "UNKNOWN_LANGUAGE")


def test_a_voice_that_espeak_does_not_have_is_an_error_of_ours():
    with pytest.raises(InternalError, match="no voice"):
        list(speak("hello", "nobody", words_per_minute=175))


def test_the_mandarin_voice_is_the_one_that_reads_hanzi():
    assert _source("你好", "zh-CN", "").voice == MANDARIN
