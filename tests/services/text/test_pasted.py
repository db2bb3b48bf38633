"""Scripts as they are pasted from elsewhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.text.pasted import spoken_text
from services.text.sentences import split_script
from services.text.subtitles import Subtitle, srt, vtt


def texts(script: str) -> list[str]:
    return [sentence.text for sentence in split_script(script)]


@pytest.mark.parametrize("line_break", ["\n", "\r", "\r\n", "\v", "\f", "\x85", "\u2028", "\u2029"])
@pytest.mark.parametrize("script", ["第一行{}第二行", "one{}two", "# 标题{}- 正文", "好。{}再见", "三点{}{}四点"])
def test_every_line_break_ends_a_sentence(script, line_break):
    assert texts(script.replace("{}", line_break)) == texts(script.replace("{}", "\n"))
    assert len(texts(script.replace("{}", line_break))) == 2


SRT = """1
00:00:01,000 --> 00:00:03,500
大家好，
我是小薇

2
00:00:03,500 --> 00:00:06,000
<i>Today we</i>
talk about 2 things.
"""
VTT = """WEBVTT - a title
Kind: captions

STYLE
::cue { color: red }

NOTE nobody says this

intro
00:01.000 --> 00:03.000 align:start line:0
<v Fred>Hello <c.loud>there</c>.

00:03.000 --> 00:05.000
It is <00:00:04.000>9:05.
"""
ASS = r"""[Script Info]
; made by hand
Title: 例子
PlayResX: 1080

[V4+ Styles]
Format: Name, Fontname, Fontsize
Style: Default,Arial,20

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Comment: 0,0:00:00.00,0:00:01.00,Default,,0,0,0,,not said
Dialogue: 0,0:00:01.00,0:00:03.00,Default,,0,0,0,,{\b1}Hello{\b0}, world,\Nagain.
Dialogue: 0,0:00:03.00,0:00:05.00,Default,,0,0,0,,第二句，有逗号
"""


@pytest.mark.parametrize(
    ("script", "sentences"),
    [
        (SRT, ["大家好，我是小薇", "Today we talk about 2 things."]),
        (SRT.replace("\n", "\r\n"), ["大家好，我是小薇", "Today we talk about 2 things."]),
        ("\ufeff" + SRT, ["大家好，我是小薇", "Today we talk about 2 things."]),
        ("1\n00:00:01.5 --> 00:00:02.5\n2024\n\n2\n00:00:03,000 --> 00:00:04,000\n年", ["2024", "年"]),
        ("先说一句。\n1\n00:00:01,000 --> 00:00:02,000\n好", ["先说一句。", "好"]),
        (
            "10\n01:00:01,000 --> 01:00:02,000 X1:100 X2:200\n{\\an8}上面\n\n\n11\n01:00:03,000 --> 01:00:04,000\n",
            ["上面"],
        ),
        (VTT, ["Hello there.", "It is 9:05."]),
        ("WEBVTT\n\n1\n00:00.000 --> 00:01.000\n- Yes?\n- No!", ["Yes?", "No!"]),
        ("WEBVTT\n\n00:00.000 --> 00:01.000\n一\n\n00:01.000 --> 00:02.000\n二", ["一", "二"]),
        ("WEBVTT\n\nREGION\nid:a\n\nname 1\n00:00:00.000 --> 00:00:01.000\n<b>好</b>", ["好"]),
        ("00:00.000 --> 00:01.000\n&lt;b&gt; &amp; c", ["<b> & c"]),
        (ASS, ["Hello, world, again.", "第二句，有逗号"]),
        (ASS.replace("\n", "\r\n"), ["Hello, world, again.", "第二句，有逗号"]),
        ("Dialogue: 0,0:00:01.00,0:00:03.00,Default,,0,0,0,,只有一行", ["只有一行"]),
        ("这是说明\nDialogue: Marked=0,0:00:01.00,0:00:03.00,D,,0,0,0,,a\\hb, c", ["这是说明", "a b, c"]),
        (
            "[Events]\nFormat: Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
            "Dialogue: 0:00:01.00,0:00:03.00,D,,0,0,0,,一，二",
            ["一，二"],
        ),
        ("0:00:01.000,0:00:03.000\n大家好，\n我是小薇\n\n0:00:03.500,0:00:05.000\nHi.", ["大家好，我是小薇", "Hi."]),
        ("[ti:歌]\n[ar:某人]\n[00:12.00]第一句\n[00:15.30][01:15.30] 第二句\n", ["第一句", "第二句"]),
        ("[00:01.50]One, two.\r\n[00:03.00]\r\n[00:04.00]Three.", ["One, two.", "Three."]),
    ],
)
def test_of_subtitle_files_only_the_words_are_said(script, sentences):
    assert texts(script) == sentences


@pytest.mark.parametrize(
    "script",
    [
        "看 a --> b",
        "Dialogue: he said, she said.",
        "NOTE this well",
        "WEBVTT is a format",
        "12:30 --> 13:30 开会",
        "[12:30] 开会",
        "[重要] 好",
        "[ti:me] is a syllable",
        "1\n二",
    ],
)
def test_what_only_looks_like_a_subtitle_file_is_said(script):
    assert spoken_text(script).text == script


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("A &amp; B", "A & B"),
        ("你好&nbsp;世界", "你好 世界"),
        ("it&#39;s", "it's"),
        ("it&#x2019;s", "it’s"),
        ("5 &lt; 6 &gt; 4", "5 < 6 > 4"),
        ("&lt;b&gt;不是标签&lt;/b&gt;", "<b>不是标签</b>"),
        ("&ldquo;好&rdquo;&hellip;", "“好”…"),
        ("soft&shy;ware", "software"),
        ("一行&#10;两行", "一行\n两行"),
        ("a&#0;b", "ab"),
        ("AT&T; R&D, &unknown; &amp", "AT&T; R&D, &unknown; &amp"),
        ("`&amp;`", "&amp;"),
    ],
)
def test_html_entities_are_decoded(script, said):
    assert spoken_text(script).text == said


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("\ufeff开头", "开头"),
        ("中\ufeff间", "中间"),
        ("soft\u00adware", "software"),
        ("零\u200b宽", "零宽"),
        ("左\u200e右\u200f", "左右"),
        ("词\u2060连", "词连"),
        ("图\ufffc片", "图片"),
        ("a\u200cb\u200d", "ab"),
        ("👨‍👩‍👧", "👨‍👩‍👧"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("क्\u200dष", "क्\u200dष"),
        ("\t缩进\t表格", "\t缩进\t表格"),
        ("　　全角缩进", "  全角缩进"),
        ("10\u00a0km\u202f…", "10 km …"),
        ("“Don’t” – she said", "“Don’t” – she said"),
        ("•\t第一\n\uf0b7 第二\n▪第三", "第一\n第二\n第三"),
    ],
)
def test_what_word_processors_leave_behind(script, said):
    assert spoken_text(script).text == said


def test_places_are_those_of_the_script():
    script = "A&amp;B 好&#33; 再\u00ad见"
    assert [script[sentence.char_start : sentence.char_end] for sentence in split_script(script)] == [
        "A&amp;B 好&#33;",
        "再\u00ad见",
    ]
    assert [sentence.text for sentence in split_script(SRT)] == ["大家好，我是小薇", "Today we talk about 2 things."]
    assert [SRT[sentence.char_start : sentence.char_end] for sentence in split_script(SRT)] == [
        "大家好，\n我是小薇",
        "Today we</i>\ntalk about 2 things.",
    ]


TIMES = "00:00:01,000 --> 00:00:02,000"
HEAD = "Dialogue: 0,0:00:01.00,0:00:03.00,D,,0,0,0,,"
PIECES = [
    "1\n",
    TIMES,
    HEAD,
    "\n",
    "\n\n",
    "\r\n",
    "\v",
    "大家好",
    "a b",
    "&amp;",
    "<i>",
    "WEBVTT",
    "NOTE x",
    "**",
    "`",
]
PIECES += ["\u00ad", "[Script Info]", "[Events]", "{\\b1}", "\\N", "-", " "]


@given(st.lists(st.sampled_from(PIECES), max_size=20).map("".join))
def test_places_never_go_back_whatever_is_pasted(script):
    spoken = spoken_text(script)
    assert len(spoken.text) == len(spoken.offsets) == len(spoken.ends)
    assert list(spoken.offsets) == sorted(spoken.offsets)
    assert all(start < end <= len(script) for start, end in zip(spoken.offsets, spoken.ends, strict=True))


@given(st.lists(st.sampled_from(["大家好", "a b", "3", "`", "**", "-->", "\n"]), min_size=1, max_size=8).map("".join))
def test_a_cue_loses_no_word(text):
    said = spoken_text(f"1\n{TIMES}\n{text}\n").text
    assert "".join(said.split()) == "".join(spoken_text(text).text.split())


@pytest.mark.parametrize("write", [srt, vtt])
@pytest.mark.parametrize("text", ["大家好", "a <b> & c", "x --> y", "{an8}", "2024"])
def test_our_own_subtitle_files_come_back_as_they_were(write, text):
    said = spoken_text(write([Subtitle(0, 1000, text), Subtitle(1000, 2500, "好")])).text
    assert [line for line in said.split("\n") if line] == [text, "好"]
