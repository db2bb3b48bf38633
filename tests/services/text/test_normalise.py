import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.text.normalise import normalise, read_aloud
from tests.services.text.readings import READINGS

TAGS = {"zh": ("zh", "zh-CN", "cmn-Hans", "yue"), "en": ("en", "en-GB")}
ANY_TEXT = st.text(
    alphabet=st.one_of(
        st.sampled_from("0123456789０５０.,:：/-–—~+%‰$¥€°²³^×=年月日号元万亿个第到至 kmKMGBvVapst()①½"),
        st.characters(),
    ),
    max_size=40,
)
NAME = re.compile(r"[A-Za-z0-9._+@/-]*[A-Za-z][A-Za-z0-9._+@/-]*")


def test_reads_numbers_and_signs_as_people_say_them():
    asked = [(tag, written, spoken) for language, written, spoken in READINGS for tag in TAGS[language]]
    assert [(tag, written, normalise(written, tag)) for tag, written, _ in asked] == asked


def test_what_is_spelled_out_is_read_as_it_stands():
    spelled = [(language, spoken) for language, _, spoken in READINGS]
    assert [(language, normalise(spoken, language)) for language, spoken in spelled] == spelled


def test_the_table_is_rich():
    written = {(language, text) for language, text, _ in READINGS}
    assert len(written) == len(READINGS) >= 200
    assert sum(language == "en" for language, _, _ in READINGS) >= 40


def test_the_language_asked_for_goes_before_the_script():
    assert normalise("The word 你好 means 2 things", "en") == "The word 你好 means two things"
    assert normalise("128", "zh") == "一百二十八"
    assert normalise("Im Jahr 2026", "de") == "Im Jahr 2026"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("零下 5°C", "零下 五摄氏度"),
        ("我有 3 GB 内存，A 方案", "我有 三GB 内存，A 方案"),
        ("I have 3 GB", "I have three gigabytes"),
        ("東京に5人います", "東京に5人います"),
        ("В 2024 году", "В 2024 году"),
    ],
)
def test_without_a_language_the_letters_decide_and_digits_and_units_do_not(text, said):
    assert normalise(text, "") == said


@pytest.mark.parametrize("number", [0, 7, 10, 12, 100, 101, 1001, 9_999, 10_010, 123_456, 999_999, 10**30])
def test_no_digit_is_left(number):
    for language in ("zh", "en"):
        assert not re.search(r"\d", normalise(f"{number}", language))


@given(ANY_TEXT, st.sampled_from(["", "zh", "en", "ja"]))
@example("1/0", "zh")
@example("9" * 40, "en")
@example("99:99:99", "zh")
@example("2024-02-31", "zh")
def test_any_text_is_read_and_every_character_of_the_reading_has_its_place(text, language):
    reading = read_aloud(text, language)
    assert len(reading.said) == len(reading.origins)
    assert list(reading.origins) == sorted(reading.origins)
    assert all(0 <= origin < len(text) for origin in reading.origins)


@given(ANY_TEXT)
@example("1.2.3,456.7")
@example("3,12,45")
@example("5-A, 6.")
def test_no_digit_is_left_in_chinese_but_in_names(text):
    assert not re.search("[0-9０-９]", NAME.sub("", normalise(text, "zh")))


@given(ANY_TEXT.map(lambda text: normalise(text, "zh")))
def test_a_reading_without_digits_is_its_own_reading(said):
    if not re.search(r"[\d①½²³]", said):
        assert normalise(said, "zh") == said


@given(st.text(alphabet=st.characters(exclude_categories=["Nd", "No"]), max_size=60), st.sampled_from(["zh", "en", ""]))
def test_text_without_digits_stays(text, language):
    assert normalise(text, language) == text


@pytest.mark.parametrize(
    ("text", "word", "said"),
    [
        ("等到2024年5月", "2024", "二零二四"),
        ("等到2024年5月", "5", "五"),
        ("涨了3.5%吧", "3.5%", "百分之三点五"),
        ("５０％折", "５０％", "百分之五十"),
    ],
)
def test_the_reading_of_a_word_keeps_its_place(text, word, said):
    reading = read_aloud(text, "zh")
    inside = range(text.index(word), text.index(word) + len(word))
    assert "".join(char for char, origin in zip(reading.said, reading.origins, strict=True) if origin in inside) == said
