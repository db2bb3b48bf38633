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
