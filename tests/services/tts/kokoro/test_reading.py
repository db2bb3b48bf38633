"""What the voice is given to say: no weights are needed for it."""

from __future__ import annotations

import re

import pytest
from pypinyin import Style, lazy_pinyin

from services.text.pronunciation import Pronunciation, ReadingKind
from services.tts.engine import Synthesis
from services.tts.kokoro.chinese import letters_of_hanzi, letters_of_pinyin, pinyin_of
from services.tts.kokoro.latin import english
from services.tts.kokoro.letters import Accent, known_letters, letters_of_ipa, vocabulary
from services.tts.kokoro.reading import Reader
from tests.services.text.readings import READINGS

CHINESE, ENGLISH = Reader("zh"), Reader("en")


def said(reader: Reader, text: str, *told: Pronunciation) -> str:
    return reader.letters_of(Synthesis(text, pronunciations=told))


@pytest.mark.parametrize(
    ("hanzi", "pinyin"),
    [
        ("你好", "ni2 hao3"),
        ("小老虎", "xiao3 lao2 hu3"),
        ("展览馆", "zhan2 lan2 guan3"),
        ("不怕", "bu2 pa4"),
        ("不高", "bu4 gao1"),
        ("一个", "yi2 ge5"),
        ("一起", "yi4 qi3"),
        ("第一名", "di4 yi1 ming2"),
        ("看一看", "kan4 yi5 kan4"),
        ("银行", "yin2 hang2"),
        ("行走", "xing2 zou3"),
        ("重庆", "chong2 qing4"),
        ("重要", "zhong4 yao4"),
        ("长大", "zhang3 da4"),
        ("长城", "chang2 cheng2"),
        ("音乐", "yin1 yue4"),
        ("快乐", "kuai4 le4"),
        ("慢慢地走", "man4 man4 de5 zou3"),
        ("妈妈", "ma1 ma5"),
    ],
)
def test_tones_change_and_characters_have_several_readings(hanzi: str, pinyin: str) -> None:
    assert " ".join(pinyin_of(hanzi)) == pinyin


def test_every_syllable_of_gb2312_has_letters() -> None:
    hanzi = [char for char in map(chr, range(0x4E00, 0x9FA6)) if char.encode("gb2312", "ignore")]
    assert len(hanzi) == 6_763
    syllables = {lazy_pinyin(char, style=Style.TONE3, neutral_tone_with_five=True)[0] for char in hanzi}
    lacking = {syllable for syllable in syllables if not letters_of_pinyin(syllable)}
    assert not lacking
    assert {letter for syllable in syllables for letter in letters_of_pinyin(syllable)} <= set(vocabulary())


def test_a_character_without_a_reading_is_left_out() -> None:
    assert letters_of_hanzi("\u3402\u3403") == ""
    assert letters_of_hanzi("你\u3402好") == letters_of_hanzi("你好")


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("GPU", "ˌʤiˌpiˈju"),
        ("API", "ˌAˌpiˈI"),
        ("ASR", "ˌAˌɛsˈɑɹ"),
        ("AIGC", "ˌAˌIˌʤiˈsi"),
        ("NASA", "nˈæsə"),
        ("RAM", "ɹˈæm"),
        ("GPT-4", "ˌʤiˌpiˈti fˈɔɹ"),
        ("Qwen3", "kwˈɛn θɹˈi"),
        ("v1.2", "vˈi wˈʌn pYnt tˈu"),
        ("judge", "ʤˈʌʤ"),
        ("church", "ʧˈɜɹʧ"),
        ("boat", "bˈOt"),
    ],
)
def test_english_has_the_letters_of_the_model(text: str, letters: str) -> None:
    assert english(text) == letters


def test_british_and_american_differ() -> None:
    assert english("go", Accent.BRITISH) != english("go")


def test_a_chinese_voice_gets_sounds_that_it_knows() -> None:
    assert english("API speak Google ChatGPT", Accent.CHINESE) == "ei→pʰi→ai→ spˈik ɡˈuɡᵊl ʨʰˈæt ʨi→pʰi→tʰi→"


def test_shouting_is_not_spelled() -> None:
    assert said(ENGLISH, "STOP NOW OK") == "stˈɑp nˈW ˌOkˈA"


def test_chinese_and_english_alternate_with_punctuation() -> None:
    letters = said(CHINESE, "我用 GPU（真的）。OK？")
    assert letters == f"{letters_of_hanzi('我用')} ˌʤiˌpiˈju (ꭧə→ntɤ). {english('OK')}?"


def without_stress(language: str, text: str) -> str:
    return re.sub("[ˈˌ]", "", said(Reader(language), text))


def test_numbers_and_signs_are_said_as_if_they_were_spelled_out() -> None:
    """But for the stress of letters, as in UTC, which is another where all of a text is in capitals."""
    sounds = {entry: [without_stress(entry[0], text) for text in entry[1:]] for entry in READINGS}
    assert not {entry: pair for entry, pair in sounds.items() if pair[0] != pair[1]}


def test_a_reading_that_is_told_is_final() -> None:
    told = Pronunciation(0, 2, ReadingKind.PINYIN, "zhong4 qing3")
    assert said(CHINESE, "重庆很大", told).startswith(letters_of_pinyin("zhong4") + letters_of_pinyin("qing3"))
    word = Pronunciation(2, 12, ReadingKind.IPA, "ˌkuːbərˈneɪtiːz")
    assert "ˌkubəɹˈnAtiz" in said(CHINESE, "用 Kubernetes 吧", word)


@pytest.mark.parametrize("ipa", ["ˈɡoʊ", "ˈgoʊ", "t͡ʃɜːt͡ʃ", "dʒʌdʒ", "bɔɪ", "haʊ", "θɪŋ", "ˈbʌtɚ", "ɫaɪk", "nɝs"])
def test_usual_ipa_loses_no_sound(ipa: str) -> None:
    letters = letters_of_ipa(ipa)
    assert letters
    assert known_letters(letters) == letters


@pytest.mark.parametrize("text", ["😀", "、、", "——", "\u200b"])
def test_symbols_are_nothing_to_say(text: str) -> None:
    assert not any(letter.isalpha() for letter in said(CHINESE, text))
