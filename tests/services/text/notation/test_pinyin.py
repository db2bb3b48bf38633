import pytest
from pypinyin.constants import PINYIN_DICT

from services.text.notation.pinyin import has_tones, looks_like_pinyin, syllables_of


@pytest.mark.parametrize(
    ("reading", "syllables"),
    [
        ("chóng qìng", ["chong2", "qing4"]),
        ("chong2 qing4", ["chong2", "qing4"]),
        ("chong2qing4", ["chong2", "qing4"]),
        ("Chóngqìng", ["chong2", "qing4"]),
        ("  chóng   qìng ", ["chong2", "qing4"]),
        ("xī'ān", ["xi1", "an1"]),
        ("xīān", ["xi1", "an1"]),
        ("māma", ["ma1", "ma5"]),
        ("ma1 ma5", ["ma1", "ma5"]),
        ("lǜ sè", ["lü4", "se4"]),
        ("lv4 se4", ["lü4", "se4"]),
        ("lu:4 se4", ["lü4", "se4"]),
        ("nüè dài", ["nüe4", "dai4"]),
        ("xü1 yü4", ["xu1", "yu4"]),
        ("nà·er", ["na4", "er5"]),
        ("nǐ hǎo", ["ni3", "hao3"]),
        ("zhuàng guān", ["zhuang4", "guan1"]),
    ],
)
def test_two_syllables_are_found_however_they_are_written(reading, syllables):
    assert syllables_of(reading, 2) == syllables


@pytest.mark.parametrize(
    "reading", ["chóng", "chong2 qing4 shi4", "chonq2 qing4", "chóng2 qìng", "hello you", "重 庆", ""]
)
def test_what_is_not_two_syllables_is_none(reading):
    assert syllables_of(reading, 2) == []


def test_without_a_count_spaces_and_digits_part_syllables():
    assert syllables_of("ēi ài") == ["ei1", "ai4"]
    assert syllables_of("kei1ge1") == ["kei1", "ge1"]
    assert syllables_of("chóngqìng") == syllables_of("café") == []


def test_every_syllable_of_a_dictionary_is_known():
    """pypinyin's table: 1,500 syllables with their tones, the rarest ones among them."""
    table = {syllable for readings in PINYIN_DICT.values() for syllable in readings.split(",")}
    read = {syllable: syllables_of(syllable, 1) for syllable in table}
    assert [syllable for syllable, found in read.items() if len(found) != 1] == []
    assert len({found[0] for found in read.values()}) == len(table)


@pytest.mark.parametrize(
    ("reading", "tones", "pinyin"),
    [
        ("chóng", True, True),
        ("chong2", True, True),
        ("chong qing", False, True),
        ("chonq2", True, True),
        ("hello", False, False),
        ("China", False, False),
        ("mp3 player", True, True),
        ("重新的重", False, False),
        ("B2B", True, True),
    ],
)
def test_what_can_only_be_meant_as_pinyin(reading, tones, pinyin):
    assert (has_tones(reading), looks_like_pinyin(reading)) == (tones, pinyin)
