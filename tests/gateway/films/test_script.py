"""What is told of a script before it is spoken."""

import pytest

from gateway.films.script import Means, ScriptRequest, ScriptView, script_view
from services.base.errors import InvalidInputError
from services.text.sentences import split_script
from services.typography.fonts import typeface

BOLD = typeface("noto-sans-sc", 700)


def view(script: str, languages: list[str] | None = None, **fields) -> ScriptView:
    return script_view(ScriptRequest(script=script, **fields), Means(languages, BOLD))


def reasons(view: ScriptView) -> list[list[str]]:
    return [[warning.reason for warning in sentence.warnings] for sentence in view.sentences]


def test_sentences_are_those_of_the_film():
    script = "# 标题\n大家好，我是 Vigent。It's v1.2, e.g. 3.5%! **再见**。"
    said = view(script)
    assert [(each.text, each.char_start, each.char_end) for each in said.sentences] == [
        (each.text, each.char_start, each.char_end) for each in split_script(script)
    ]
    assert [warning.reason for warning in said.warnings] == ["MARKS_LEFT_OUT"]


def test_numbers_are_told_as_they_will_be_read():
    zh, en = view("涨了3.5%。It rose by 3.5%.").sentences
    assert (zh.language, zh.reading) == ("zh", "涨了百分之三点五。")
    assert (en.language, en.reading) == ("en", "It rose by three point five percent.")


def test_words_are_told_as_the_script_says_they_are_read():
    (said,) = view("用[SQL|sequel]查[重庆|chóng qìng]的3张表。").sentences
    assert (said.text, said.reading) == ("用SQL查重庆的3张表。", "用sequel查重庆的三张表。")


ASS_LINE = "Dialogue: 0,0:00:01.00,1:02:03.50,Default,,0,0,0,,"


@pytest.mark.parametrize(
    ("script", "times"),
    [
        (
            "1\n00:00:01,000 --> 00:00:03,500\n一。二。\n\n2\n00:00:03,500 --> 01:00:06,000\n三",
            [(1, 3.5)] * 2 + [(3.5, 3606)],
        ),
        ("先说。\r\n1\r\n00:00:01,5 --> 00:00:02,25\r\n好", [(None, None), (1.5, 2.25)]),
        ("WEBVTT\n\na name\n01:01.001 --> 100:00:00.000 line:0\n<v A>Hi.", [(61.001, 360_000)]),
        (f"[Events]\n{ASS_LINE}一，二\n{ASS_LINE.replace('0:00:01', '0:00:09')}三", [(1, 3723.5), (9, 3723.5)]),
        ("Dialogue: Marked=0, 0:00:01.00, 0:00:02.00,D,,0,0,0,,a", [(1, 2)]),
        ("[00:01.50]一\n[00:03.00]二。三。", [(1.5, None), (3, None), (3, None)]),
        ("没有时间。12:30 --> 13:30 开会", [(None, None)] * 2),
    ],
    ids=["SubRip", "text before", "WebVTT", "ASS", "SSA", "lyrics", "none"],
)
def test_times_of_pasted_subtitles_are_offered(script, times):
    assert [(each.subtitle_start_s, each.subtitle_end_s) for each in view(script).sentences] == times


def test_told_readings_are_shown_wherever_they_were_told():
    told = view("[SQL|sequel] 很快。我在重庆用SQL。", pronunciations=["重庆=chóng qìng", "SQL=S Q L"])
    first, second = told.sentences
    assert [(each.word, each.reading) for each in first.told] == [("SQL", "sequel")]
    assert [(each.word, each.reading) for each in second.told] == [("重庆", "chong2 qing4"), ("SQL", "S Q L")]
    assert (first.reading, second.reading) == ("sequel 很快。", "我在重庆用S Q L。")


def test_a_reading_that_cannot_be_read_is_refused():
    with pytest.raises(InvalidInputError) as caught:
        view("你好。", pronunciations=["重庆"])
    assert caught.value.field == "pronunciations"


def test_a_sentence_of_digits_is_in_the_language_of_its_script():
    assert [sentence.language for sentence in view("今年怎么样？\n2026").sentences] == ["zh", "zh"]


def test_what_the_voice_or_the_font_cannot_do_is_told():
    said = view("你好。\n안녕하세요.", ["zh", "en"])
    assert reasons(said) == [[], ["NO_VOICE", "GLYPH_MISSING"]]
    assert [warning.subject for warning in said.sentences[1].warnings] == ["ko", "안녕하세요"]
    assert reasons(view("안녕하세요.", ["ko-KR"])) == [["GLYPH_MISSING"]]
    assert reasons(view("안녕하세요.")) == [["GLYPH_MISSING"]]  # nobody knows the languages of a recording


def test_long_sentences_are_told_and_speed_counts():
    long = "我们今天要讲的这一句话" * 8
    assert reasons(view(long)) == [["LONG_SENTENCE"]]
    fast = view(long, speed=2.0)
    assert reasons(fast) == [[]]
    assert fast.seconds == pytest.approx(view(long).seconds / 2, abs=0.1)


def test_nothing_to_say_is_an_error_as_it_is_for_a_film():
    with pytest.raises(InvalidInputError, match="nothing to say"):
        view("……")
