import json

import pytest

from orchestrator.captions.contrast import lowest_contrast
from orchestrator.captions.cues import Cue, CueLine, make_cues
from orchestrator.captions.layout import CaptionLayout
from orchestrator.captions.quality import MIN_CONTRAST, quality_report
from services.typography.styles import check_style, list_styles, load_style
from tests.support.sentences import FIXTURE
from tests.support.timed_voices import SAMPLE_RATE_HZ, spoken_words

LAYOUT = CaptionLayout.of(load_style("subtitle"), 1080, 1920)


def cue(text: str, first: int = 0, frames: int = 50, char_start: int = 0, source: str = "") -> Cue:
    source = source or text
    line = CueLine(text, source, char_start, char_start + len(source), ())
    return Cue(first, frames, (line,))


def checks(*cues: Cue, layout: CaptionLayout = LAYOUT) -> list[str]:
    return [finding["check"] for finding in quality_report(cues, layout)["findings"]]


def test_good_captions_have_no_findings():
    assert checks(cue("今天我们聊聊语音"), cue("明天聊聊视频", 50)) == []


@pytest.mark.parametrize(
    ("cues", "check"),
    [
        ([cue("一二三四五六七八九十一二", frames=25)], "cps"),
        ([cue("The quick brown fox jumps", frames=25)], "cps"),
        ([cue("好的", frames=10)], "duration"),
        ([cue("今天我们聊聊语音", frames=200)], "duration"),
        ([cue("今天我们聊聊语音和视频还有更多更多的内容吧", frames=100)], "width"),
        ([cue("今天我们聊聊语音和视频还有更多的", frames=100), cue("好", 100, char_start=16)], "orphan"),
        ([cue("今天聊聊"), cue("明天聊聊", 51)], "gap"),
        ([cue("今天聊聊"), cue("明天聊聊", 55, char_start=4)], "gap"),
        ([cue("今天聊聊"), cue("明天聊聊", 40)], "overlap"),
        ([cue("我们用Qwen3-"), cue("TTS合成", 50, char_start=9)], "cut_token"),
        ([cue("今天聊聊"), cue("，明天聊", 50, char_start=4)], "starts_with_closing"),
        ([cue("他说“"), cue("明天聊”", 50, char_start=3)], "ends_with_opening"),
        ([cue("안녕 hello")], "glyph_missing"),
    ],
)
def test_each_rule_is_found_when_broken(cues, check):
    assert check in checks(*cues)


def test_a_new_sentence_may_follow_after_any_gap_of_two_frames():
    assert checks(cue("今天聊聊"), cue("明天聊聊", 55)) == []


def test_captions_beyond_the_safe_area_are_found():
    style = load_style("subtitle")
    style["position"] = {"area": "safe", "vertical": "bottom", "bounds": [0.0, 0.8, 1.0, 1.0]}
    layout = CaptionLayout.of(load_style("subtitle"), 1080, 1920)
    low = CaptionLayout(**{**vars(layout), "style": style})
    assert checks(cue("今天我们聊聊语音"), layout=low) == ["outside_safe_area"]


def test_the_report_is_json_and_counts():
    report = quality_report([cue("今天我们聊聊语音"), cue("明天聊聊视频", 50)], LAYOUT)
    assert json.loads(json.dumps(report)) == report
    assert (report["cues"], report["lines"], report["two_line_cues"], report["shortest_s"]) == (2, 2, 0, 2.0)


def test_captions_of_the_real_sentences_break_no_rule_but_the_width_of_long_addresses():
    findings = []
    for sentence, _ in FIXTURE:
        words, frames = spoken_words(sentence, seconds_per_letter=0.12)
        cues = make_cues(sentence, words, 0, frames, SAMPLE_RATE_HZ, LAYOUT)
        findings += quality_report(cues, LAYOUT)["findings"]
    severe = [f for f in findings if f["check"] not in {"duration", "cps", "gap"}]
    assert all(f["check"] in {"width", "units"} and "." in f["text"] for f in severe), severe


@pytest.mark.parametrize("kind", ["subtitle", "title", "label"])
def test_our_styles_have_enough_contrast_over_any_film(kind):
    for style_id in list_styles(kind):
        assert lowest_contrast(load_style(kind, style_id)) >= MIN_CONTRAST, style_id


def test_contrast_ratios_are_those_of_wcag():
    base = {"version": 1, "names": {"en": "x", "zh": "x"}, "font": {"id": "noto-sans-sc", "weight": 700}, "size": 0.05}
    black_on_white = {**base, "fill": {"color": "#000000"}, "box": {"mode": "line", "color": "#FFFFFF"}}
    grey_on_white = {**base, "fill": {"color": "#767676"}, "box": {"mode": "line", "color": "#FFFFFF"}}
    assert lowest_contrast(check_style(black_on_white, "style")) == pytest.approx(21)
    assert lowest_contrast(check_style(grey_on_white, "style")) == pytest.approx(4.54, abs=0.01)
    assert lowest_contrast(check_style(base, "style")) == 1
