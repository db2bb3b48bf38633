import pytest

from services.base.errors import InvalidInputError
from services.text.notation.readings import reading_of
from services.text.pronunciation import ReadingKind

PINYIN, IPA, WORDS = ReadingKind.PINYIN, ReadingKind.IPA, ReadingKind.WORDS


@pytest.mark.parametrize(
    ("word", "written", "kind", "reading"),
    [
        ("重庆", "chóng qìng", PINYIN, "chong2 qing4"),
        ("重庆", "chongqing4", PINYIN, "chong5 qing4"),
        (" 行 ", " háng ", PINYIN, "hang2"),
        ("嗯", "ń", PINYIN, "n2"),
        ("AI", "ēi ài", PINYIN, "ei1 ai4"),
        ("K歌", "kēi gē", PINYIN, "kei1 ge1"),
        ("Kubernetes", "/ˌkuːbərˈnɛtiːz/", IPA, "ˌkuːbərˈnɛtiːz"),
        ("cube", "/'kju:b/", IPA, "ˈkjuːb"),
        ("go", "/gəʊ/", IPA, "ɡəʊ"),
        ("重庆", "/t͡ʂʰʊŋ/", IPA, "t͡ʂʰʊŋ"),
        ("SQL", "sequel", WORDS, "sequel"),
        ("AI", "人工  智能", WORDS, "人工 智能"),
        ("重庆", "崇庆", WORDS, "崇庆"),
        ("中国", "China", WORDS, "China"),
        ("三体", "three-body problem", WORDS, "three-body problem"),
        ("C++", "C plus plus", WORDS, "C plus plus"),
        ("B2B", "b to b", WORDS, "b to b"),
        ("café", "café", WORDS, "café"),
    ],
)
def test_a_reading_is_pinyin_ipa_or_words(word, written, kind, reading):
    assert reading_of(word, written, "f") == (kind, reading)


@pytest.mark.parametrize(
    ("word", "written", "reason", "named"),
    [
        ("重庆", "chóng", "BAD_READING", "'chóng'"),
        ("重庆", "chong qing", "BAD_READING", "2 syllables with tones"),
        ("重庆", "chonq2 qing4", "BAD_READING", "chonq2"),
        ("行", "hang6", "BAD_READING", "one syllable"),
        ("X", "/ɛks", "BAD_READING", "does not end with one"),
        ("X", "/ɛ9ks/", "BAD_READING", "'9'"),
        ("X", "//", "BAD_READING", "says nothing"),
        ("X", "…", "BAD_READING", "says nothing"),
        ("X", "a" * 101, "BAD_READING", "101 characters"),
        ("X", "a\0b", "BAD_READING", "says nothing"),
        ("！", "a", "BAD_WORD", "'！'"),
        ("字" * 51, "a", "BAD_WORD", "no word"),
        ("a\nb", "a", "BAD_WORD", "no word"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_is_right(word, written, reason, named):
    with pytest.raises(InvalidInputError) as refused:
        reading_of(word, written, "f")
    assert (refused.value.field, refused.value.reason) == ("f", reason)
    assert named in refused.value.problem
    assert refused.value.remedy
