import pytest

from services.base.errors import InvalidInputError
from services.text.notation.dictionary import MOST_ENTRIES, Dictionary, entries_of
from services.text.pronunciation import Pronunciation, ReadingKind


def found(entries: list[str], text: str) -> list[tuple[str, str]]:
    said = Dictionary.of(entries, "f").pronunciations(text)
    return [(text[told.char_start : told.char_end], told.reading) for told in said]


@pytest.mark.parametrize(
    ("entries", "text", "words"),
    [
        (["重庆=chóng qìng"], "重庆，在重庆", [("重庆", "chong2 qing4")] * 2),
        (["重庆=a b", "重庆大学=c d"], "重庆大学在重庆", [("重庆大学", "c d"), ("重庆", "a b")]),
        (["AI=x"], "AI和AIR，AI时代 ChatAI AI-2 AI。", [("AI", "x")] * 4),
        (["ai=x"], "AI Ai ai aid", [("AI", "x"), ("Ai", "x"), ("ai", "x")]),
        (["Go=x"], "Go go GO Gopher", [("Go", "x")]),
        (["US=a", "us=b"], "US us Us", [("US", "a"), ("us", "b"), ("Us", "b")]),
        (["big model=x", "model=y"], "a big model, a model", [("big model", "x"), ("model", "y")]),
        (["C++=x"], "C++ 和 C+++", [("C++", "x"), ("C++", "x")]),
        (["3D=x"], "3D 打印，13D", [("3D", "x")]),
        (["École=x"], "École Écoles", [("École", "x")]),
        (["a.b=x"], "a.b axb", [("a.b", "x")]),
        (["x=a=b"], "x", [("x", "a=b")]),
        ([], "重庆", []),
    ],
)
def test_words_are_found_where_they_stand(entries, text, words):
    assert found(entries, text) == words


def test_what_is_told_already_stays():
    told = Pronunciation(2, 4, ReadingKind.WORDS, "z")
    said = Dictionary.of(["重庆=a b", "大学=c d", "庆大=e f"], "f").pronunciations("重庆大学，重庆", [told])
    places = [(each.char_start, each.char_end, each.reading) for each in said]
    assert places == [
        (0, 2, "a b"),
        (2, 4, "z"),
        (5, 7, "a b"),
    ]


@pytest.mark.parametrize(
    ("entries", "reason", "named"),
    [
        (["重庆"], "BAD_ENTRY", "Entry 1, '重庆'"),
        (["a=b", "=b"], "BAD_ENTRY", "Entry 2"),
        (["a="], "BAD_ENTRY", "Entry 1"),
        (["a=b", "重庆=chonq2 qing4"], "BAD_READING", "Entry 2: 'chonq2 qing4'"),
        (["a=b", "a=c"], "BAD_ENTRY", "second reading"),
        ([f"w{number}=x" for number in range(MOST_ENTRIES + 1)], "TOO_MANY_ENTRIES", "1,001"),
    ],
)
def test_an_entry_that_cannot_be_read_is_named(entries, reason, named):
    with pytest.raises(InvalidInputError) as refused:
        Dictionary.of(entries, "spec.pronunciations")
    assert (refused.value.field, refused.value.reason) == ("spec.pronunciations", reason)
    assert named in refused.value.problem
    assert refused.value.remedy


def test_the_same_entry_twice_is_one():
    assert found(["a=b", "a=b"], "a") == [("a", "b")]


def test_a_file_has_an_entry_a_line():
    assert entries_of("# names\n重庆=chóng qìng\r\n\n  SQL=sequel  \n") == ["重庆=chóng qìng", "SQL=sequel"]
