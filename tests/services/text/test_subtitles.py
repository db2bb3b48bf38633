import re

from services.text.subtitles import Subtitle, srt, vtt


def test_srt_of_two_subtitles() -> None:
    assert srt([Subtitle(1000, 3000, "大家好"), Subtitle(3_600_000, 3_601_040, "第一行\nsecond line")]) == (
        "1\n00:00:01,000 --> 00:00:03,000\n大家好\n\n2\n01:00:00,000 --> 01:00:01,040\n第一行\nsecond line\n"
    )


def test_vtt_escapes_marks_of_html() -> None:
    assert vtt([Subtitle(1000, 3000, "a < b && c --> d")]) == (
        "WEBVTT\n\n00:00:01.000 --> 00:00:03.000\na &lt; b &amp;&amp; c --&gt; d\n"
    )


def test_srt_has_no_tags_and_no_arrows_in_its_text() -> None:
    text = srt([Subtitle(0, 1000, "<b>1 < 2</b> {\\an8} --> x")]).splitlines()[2]
    assert not re.search(r"<[/a-z]|\{\\|-->", text)
    assert text.replace("\u2060", "") == "<b>1 < 2</b> {\\an8} --> x"


def test_no_subtitles_make_empty_files() -> None:
    assert srt([]) == ""
    assert vtt([]) == "WEBVTT\n"
