import threading
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypinyin.constants import PINYIN_DICT

from services.base.errors import InternalError, InvalidInputError
from services.espeak.library import SAMPLE_RATE_HZ, PhonemeBegan, speak
from services.espeak.narration import MANDARIN, SpokenWord, narrate, reading_language, voice_of
from services.espeak.reading import runs_of
from services.text.notation.dictionary import Dictionary
from services.text.notation.pinyin import syllables_of
from services.text.pronunciation import Pronunciation, ReadingKind
from services.text.words import words_of
from tests.services.text.readings import READINGS


def spoken(text: str, **options) -> tuple[np.ndarray, list[SpokenWord]]:
    events = list(narrate(text, **options))
    words = [event for event in events if isinstance(event, SpokenWord)]
    return np.concatenate([event for event in events if not isinstance(event, SpokenWord)]), words


def phonemes(text: str, language: str = "", pronunciations: Sequence[Pronunciation] = ()) -> str:
    """Phonemes as espeak names them, a space after each syllable or word."""
    names = []
    for run in runs_of(text, reading_language(text, language), pronunciations):
        events = speak(run.said, voice_of(run.language), words_per_minute=175, phonemes=run.phonemes)
        names += [event.name for event in events if isinstance(event, PhonemeBegan)]
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


def test_says_numbers_and_signs_as_if_they_were_spelled_out():
    said = {entry: [phonemes(text, entry[0]) for text in entry[1:]] for entry in READINGS}
    assert not {entry: sounds for entry, sounds in said.items() if sounds[0] != sounds[1]}


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


@pytest.mark.parametrize(
    ("text", "entry", "heard"),
    [
        ("去重庆吧", "重庆=zhòng qìng", "ts.'ongtS;h'iN"),
        ("绿地", "绿=lù", "l'ut@"),
        ("兄弟们", "兄弟=xiōng di", "S;'ongtim@n"),
        ("那儿", "那儿=nà er", "n'A@r"),
        ("I like 重庆 very much indeed, my friend", "重庆=zhòng qìng", "l'aIkts.'ongtS;h'iNv'Eri"),
        ("用Kubernetes很好", "Kubernetes=/ˌkuːbərˈnɛtiːz/", "(en-us)ku:b3rnEt#i:z(cmn)X@n"),
        ("Use Kubernetes daily", "Kubernetes=/ˌkuːbərˈnɛtiːz/", "k,u:b3rn'Et#i:z"),
        ("Der cube ist sehr gut", "cube=/ˈkuːbeɪ/", "k'u:beI"),
        ("用SQL查询", "SQL=sequel", "(en)si:kw@L(cmn)"),
        ("三体", "三体=3 个太阳", "sanko-th'aij'iAN"),
        ("[[重庆]] [[a]]", "重庆=/ˈkjuːb/", "kj'u:b(cmn)(en)'eI"),
    ],
)
def test_says_a_word_as_it_is_told(text, entry, heard):
    told = Dictionary.of([entry], "").pronunciations(text)
    assert heard in phonemes(text, pronunciations=told).replace(" ", "")
    assert heard not in phonemes(text).replace(" ", "")


def test_each_tone_sounds_different():
    told = [Dictionary.of([f"妈={pinyin}"], "").pronunciations("妈") for pinyin in ("mā", "má", "mǎ", "mà", "ma5")]
    takes = [spoken("妈", pronunciations=each)[0].tobytes() for each in told]
    assert len(set(takes)) == len(takes)
    assert takes[0] == spoken("妈")[0].tobytes()


def test_the_voice_knows_every_syllable_of_pinyin():
    """Those of pypinyin's table of characters; one that the voice does not know it spells in English."""
    syllables = sorted({syllable for all_ in PINYIN_DICT.values() for syllable in all_.split(",")})
    assert len(syllables) > 1_500
    for first in range(0, len(syllables), 100):
        readings = [syllables_of(written, 1)[0] for written in syllables[first : first + 100]]
        told = [Pronunciation(place, place + 1, ReadingKind.PINYIN, each) for place, each in enumerate(readings)]
        assert "(en" not in phonemes("字" * len(told), "zh", told)


def test_words_that_are_told_keep_their_times():
    text = "我在重庆用Kubernetes和SQL很好。"
    told = Dictionary.of(["重庆=chóng qìng", "Kubernetes=/ˌkuːbərˈnɛtiːz/", "SQL=structured query language"], "")
    _, words = spoken(text, pronunciations=told.pronunciations(text))
    assert [(word.char_start, word.char_end) for word in words] == [(word.start, word.end) for word in words_of(text)]
    lengths = {text[word.char_start : word.char_end]: word.end_sample - word.start_sample for word in words}
    assert all(samples > SAMPLE_RATE_HZ // 10 for samples in lengths.values())
    assert lengths["SQL"] > 3 * lengths["和"]
    _, plain = spoken(text)
    assert len(plain) == len(words)


@pytest.mark.parametrize("variant", ["", "f2", "Annie"])
def test_every_voice_reads_another_language_by_its_own_rules(variant):
    """Russian by letters of English would be spelled, which takes far longer."""
    alone = len(spoken("привет", variant=variant)[0])
    inside = len(spoken("你好 привет 世界", variant=variant)[0]) - len(spoken("你好 世界", variant=variant)[0])
    assert 0.5 * alone < inside < 1.5 * alone


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
    assert voice_of("zh-CN") == MANDARIN
