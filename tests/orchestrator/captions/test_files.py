import json
import re

from orchestrator.captions.cues import Cue, CueLine, make_cues
from orchestrator.captions.files import subtitles_of, write_ass, write_words
from orchestrator.captions.layout import CaptionLayout
from services.typography.cues import CueWord
from services.typography.styles import load_style
from tests.support.timed_voices import SAMPLE_RATE_HZ, spoken_words

LAYOUT = CaptionLayout.of(load_style("subtitle"), 1080, 1920)
KARAOKE = CaptionLayout.of(load_style("subtitle", "karaoke"), 1080, 1920)


def cue(text: str, first: int = 25, frames: int = 50, words: tuple[CueWord, ...] = ()) -> Cue:
    lines = tuple(CueLine(line, line, 0, len(line), words) for line in text.split("\n"))
    return Cue(first, frames, lines)


def test_subtitles_have_their_times_in_milliseconds():
    assert subtitles_of([cue("第一行\nsecond line", 90_000, 26)]) == [(3_600_000, 3_601_040, "第一行\nsecond line")]


def test_ass_has_font_colours_and_place_of_the_style():
    text = write_ass([cue("大家好")], LAYOUT)
    style = next(line for line in text.splitlines() if line.startswith("Style:"))
    assert style.startswith("Style: Caption,Noto Sans CJK SC,81.3,&H00FFFFFF,")
    assert "PlayResX: 1080\nPlayResY: 1920" in text
    assert r"Dialogue: 0,0:00:01.00,0:00:03.00,Caption,,0,0,0,,{\pos(540,1315)}大家好" in text
    fields = next(line for line in text.splitlines() if line.startswith("Format: Name")).count(",")
    assert style.count(",") == fields


def test_ass_escapes_braces_and_backslashes():
    text = write_ass([cue(r"{\pos(0,0)} C:\Next")], LAYOUT)
    assert "}\\{\\\u2060pos(0,0)\\} C:\\\u2060Next" in text


def test_ass_gives_every_word_its_time():
    words = (CueWord(0, 2, 30, 40), CueWord(3, 5, 40, 52))
    assert r"{\k20}{\k40}我们 {\k140}出发" in write_ass([cue("我们 出发", words=words)], KARAOKE)


def test_ass_times_of_two_lines_add_up_to_the_cue():
    text = "今天我们聊聊语音，明天聊聊视频，后天一起出发去看海！"
    spoken, frames = spoken_words(text)
    for made in make_cues(text, spoken, 0, frames, SAMPLE_RATE_HZ, KARAOKE):
        event = write_ass([made], KARAOKE).splitlines()[-1]
        assert sum(int(time) for time in re.findall(r"\\k(\d+)", event)) == made.frames * 4


def test_an_empty_film_has_an_empty_file():
    assert write_ass([], LAYOUT).endswith("Effect, Text\n")


def test_every_spoken_word_is_told_with_its_place_and_time():
    texts = ["大家好，我是 Vigent。", "It streams!"]
    spoken = [spoken_words(text)[0] for text in texts]
    cues = [make_cues(texts[n], spoken[n], 75 * n, 75, SAMPLE_RATE_HZ, LAYOUT) for n in (0, 1)]
    words = json.loads(write_words(cues))
    assert [word["text"] for word in words if word["segment"] == 1] == ["It", "streams"]
    assert all(texts[word["segment"]][word["char_start"] : word["char_end"]] == word["text"] for word in words)
    assert all(word["start_s"] < word["end_s"] for word in words)
    starts = [word["start_s"] for word in words]
    assert starts == sorted(starts)
    assert next(word["start_s"] for word in words if word["segment"] == 1) >= 3.0
