import pytest

from services.base.errors import InvalidInputError
from services.text.pasted import spoken_text
from services.text.pauses import Pause
from services.text.pronunciation import ReadingKind


@pytest.mark.parametrize(
    ("script", "shown", "words"),
    [
        ("在[重庆|chóng qìng]住", "在重庆住", [("重庆", ReadingKind.PINYIN, "chong2 qing4")]),
        ("用[SQL|sequel]查", "用SQL查", [("SQL", ReadingKind.WORDS, "sequel")]),
        ("[cube|/ˈkjuːb/] 行", "cube 行", [("cube", ReadingKind.IPA, "ˈkjuːb")]),
        ("[行|háng][长|zhǎng]", "行长", [("行", ReadingKind.PINYIN, "hang2"), ("长", ReadingKind.PINYIN, "zhang3")]),
        ("**[重庆|chóng qìng]**&amp;好", "重庆&好", [("重庆", ReadingKind.PINYIN, "chong2 qing4")]),
        ("- [AI|人工智能]", "AI", [("AI", ReadingKind.WORDS, "人工智能")]),
    ],
)
def test_a_word_is_shown_and_its_reading_is_not(script, shown, words):
    spoken = spoken_text(script)
    assert spoken.text == shown
    assert [
        (shown[told.char_start : told.char_end], told.kind, told.reading) for told in spoken.pronunciations
    ] == words


@pytest.mark.parametrize(
    ("script", "shown", "pauses"),
    [
        ('好<break time="1s"/>的', "好的", [Pause(1, 1.0)]),
        ("好<break time='500ms' />的", "好的", [Pause(1, 0.5)]),
        ("好<BREAK TIME=“1.5s”>的", "好的", [Pause(1, 1.5)]),
        ('好 <break time="1s"></break> 的', "好  的", [Pause(2, 1.0)]),
        ('one<break time="2s"/>two', "one two", [Pause(3, 2.0)]),
        ('<break time=".5s"/>好', "好", [Pause(0, 0.5)]),
        ('好<break time="10s"/>', "好", [Pause(1, 10.0)]),
        ('好<break time="0s"/>的', "好的", []),
    ],
)
def test_a_break_is_a_pause_and_is_not_shown(script, shown, pauses):
    spoken = spoken_text(script)
    assert (spoken.text, list(spoken.pauses)) == (shown, pauses)


@pytest.mark.parametrize(
    "script",
    [
        "a < b > c",
        "爱你 <3 很多",
        "List<int> 和 Map<String, Object>",
        "Vec<object> Box<table>",
        "<T> <P> <B>",
        "<name> 请填",
        "E[X|Y] 和 P(A|B)",
        "a[i|j]",
        "[a] | [b]",
        "if x<break and y>0",
    ],
)
def test_what_only_looks_like_a_mark_is_text(script):
    spoken = spoken_text(script)
    assert (spoken.text, spoken.pronunciations, spoken.pauses) == (script, (), ())


@pytest.mark.parametrize(
    ("script", "shown"),
    [
        ('`[a|b] <break time="1s"/> <prosody>`', '[a|b] <break time="1s"/> <prosody>'),
        (r"\[yes|no] \<prosody>", "[yes|no] <prosody>"),
        ("&lt;prosody&gt;", "<prosody>"),
        ("[甲|乙](https://a.b)", "甲|乙"),
        ("00:01.000 --> 00:02.000\n<v Anna>你好</v>", "\n\n你好"),
    ],
)
def test_what_is_marked_as_text_is_text(script, shown):
    assert spoken_text(script).text == shown


@pytest.mark.parametrize(
    ("script", "shown"),
    [
        ("<b>粗</b>体和<em class='x'>强调</em>", "粗体和强调"),
        ("H<sub>2</sub>O", "H2O"),
        ("一行<br>两行<BR/>三行", "一行\n两行\n三行"),
        ("<p>段</p><p>落</p>", "\n段\n\n落\n"),
        ("<div>Hello</div>World", "\nHello\nWorld"),
        ("<h2>Title</h2>Text", "\nTitle\nText"),
        ("<ul><li>one</li><li>two</li></ul>", "\n\none\n\ntwo\n\n"),
    ],
)
def test_tags_that_tell_only_how_text_looks_are_left_out(script, shown):
    assert spoken_text(script).text == shown


@pytest.mark.parametrize(
    ("script", "reason", "named"),
    [
        ("好\n<prosody rate='slow'>慢</prosody>", "UNKNOWN_TAG", "Line 2, <prosody rate='slow'>"),
        ("<speak>好</speak>", "UNKNOWN_TAG", "<speak>"),
        ("<say-as interpret-as='date'>1</say-as>", "UNKNOWN_TAG", "<say-as>"),
        ("<sub alias='x'>y</sub>", "UNKNOWN_TAG", "<sub>"),
        ("<mark name='x'/>", "UNKNOWN_TAG", "<mark>"),
        ("<mstts:express-as style='sad'>好", "UNKNOWN_TAG", "<mstts:express-as>"),
        ("<img src='a.png'>", "UNKNOWN_TAG", "<img>"),
        ("<SCRIPT>alert(1)</SCRIPT>", "UNKNOWN_TAG", "<SCRIPT>"),
        ("好<break/>", "BAD_PAUSE", "0 to 10 seconds"),
        ("好<break time='1'/>", "BAD_PAUSE", "<break time='1'/>"),
        ("好<break time='-1s'/>", "BAD_PAUSE", "Line 1"),
        ("好<break time='10.1s'/>", "BAD_PAUSE", "Line 1"),
        ("好<break strength='weak'/>", "BAD_PAUSE", "Line 1"),
        ("在[重庆|chonq2 qing4]", "BAD_READING", "Line 1, [重庆|chonq2 qing4]"),
        ("在[重庆|]", "BAD_READING", "says nothing"),
        ("在[|chóng]", "BAD_WORD", "no word"),
    ],
)
def test_what_cannot_be_understood_is_named_with_its_line(script, reason, named):
    with pytest.raises(InvalidInputError) as refused:
        spoken_text(script)
    assert (refused.value.field, refused.value.reason) == ("spec.script", reason)
    assert named in refused.value.problem
    assert refused.value.remedy
