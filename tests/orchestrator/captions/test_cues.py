from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.captions.breaking import MIN_CUE_S
from orchestrator.captions.cues import JOINED_GAP_FRAMES, MIN_GAP_FRAMES, gaps, make_cues
from orchestrator.captions.layout import CaptionLayout
from services.media.timeline import FRAME_RATE_HZ
from services.text.timing import Word
from services.typography.styles import load_style
from tests.support.sentences import FIXTURE, mixed
from tests.support.timed_voices import SAMPLE_RATE_HZ, spoken_words

LAYOUT = CaptionLayout.of(load_style("subtitle"), 1080, 1920)
SENTENCE = "我们用 Qwen3-TTS 合成了3.5倍速的语音，今天聊聊怎么把一段脚本变成短视频。"


def cues_of(text: str, first_film_frame: int = 0, **voice: float):
    words, frames = spoken_words(text, **voice)
    return words, frames, make_cues(text, words, first_film_frame, frames, SAMPLE_RATE_HZ, LAYOUT)


@given(mixed(), st.integers(0, 5_000), st.floats(0.02, 0.4), st.floats(0.0, 1.5))
@settings(max_examples=150, deadline=None)
def test_cues_are_in_order_apart_inside_the_segment_and_whole(sample, first, seconds_per_letter, pause_s):
    text, _ = sample
    words, frames = spoken_words(text, seconds_per_letter, pause_s)
    cues = make_cues(text, words, first, frames, SAMPLE_RATE_HZ, LAYOUT)
    assert all(gap >= 0 for gap in gaps(cues))
    assert all(cue.frames >= 1 for cue in cues)
    assert cues[0].first_film_frame >= first
    assert cues[-1].end_film_frame <= first + frames
    if len(cues) < frames:
        assert "".join(line.source for cue in cues for line in cue.lines) == text


@given(mixed(), st.lists(st.tuples(st.integers(-5, 90), st.integers(0, 9), st.integers(0, 200_000)), max_size=20))
@settings(max_examples=100, deadline=None)
def test_nonsense_from_an_aligner_does_no_harm(sample, triples):
    text, _ = sample
    words = [Word(start, start + length, sample, sample + 7 * length) for start, length, sample in triples]
    cues = make_cues(text, words, 7, 60, SAMPLE_RATE_HZ, LAYOUT)
    assert all(gap >= 0 for gap in gaps(cues))
    assert cues[0].first_film_frame >= 7
    assert cues[-1].end_film_frame <= 67
    for cue in cues:
        for line in cue.lines:
            for word in line.words:
                assert 0 <= word.char_start < word.char_end <= len(line.text)
                assert cue.first_film_frame <= word.first_film_frame <= word.end_film_frame <= cue.end_film_frame


def test_cues_keep_to_the_aligned_words_by_two_frames():
    for sentence, _ in FIXTURE:
        words, _, cues = cues_of(sentence, 40)
        for cue in cues:
            start, end = cue.lines[0].char_start, cue.lines[-1].char_end
            spoken = [word for word in words if start <= word.char_start < end]
            first = 40 + spoken[0].start_sample * FRAME_RATE_HZ // SAMPLE_RATE_HZ
            last = 40 + spoken[-1].end_sample * FRAME_RATE_HZ / SAMPLE_RATE_HZ
            assert abs(cue.first_film_frame - first) <= (2 if cue is cues[0] else 0)
            assert last - 1 <= cue.end_film_frame <= last + JOINED_GAP_FRAMES + FRAME_RATE_HZ * MIN_CUE_S


def test_words_of_cues_keep_to_the_aligned_words_by_two_frames():
    for sentence, _ in FIXTURE:
        words, _, cues = cues_of(sentence)
        starts = {word.char_start: word.start_sample * FRAME_RATE_HZ / SAMPLE_RATE_HZ for word in words}
        for cue in cues:
            for line in cue.lines:
                lead = len(line.source) - len(line.source.lstrip())
                for word in line.words:
                    aligned = starts.get(line.char_start + lead + word.char_start)
                    assert aligned is None or abs(word.first_film_frame - aligned) <= 2


def test_gaps_are_closed_or_wide_enough():
    for pause_s in (0.1, 0.3, 0.45, 0.6, 1.2):
        _, _, cues = cues_of(SENTENCE, pause_s=pause_s)
        assert len(cues) > 1
        assert all(gap == 0 or gap >= MIN_GAP_FRAMES for gap in gaps(cues))
    assert any(gaps(cues))


def test_short_cues_stay_while_there_is_room():
    _, _, cues = cues_of("好的，那我们今天就从头到尾好好地聊一聊短视频。", seconds_per_letter=0.06, pause_s=1.5)
    assert cues[0].frames >= FRAME_RATE_HZ * MIN_CUE_S


def test_tokens_are_lit_as_one_word():
    _, _, cues = cues_of(SENTENCE)
    lit = [line.text[word.char_start : word.char_end] for cue in cues for line in cue.lines for word in line.words]
    assert {"Qwen3-TTS", "3.5倍", "语音"} <= set(lit)
    assert not any(mark in word for word in lit for mark in "，。 ")


def test_without_words_the_text_is_spread_over_the_segment():
    cues = make_cues(SENTENCE, [], 100, 250, SAMPLE_RATE_HZ, LAYOUT)
    assert cues[0].first_film_frame == 100
    assert cues[-1].end_film_frame == 350
    assert all(cue.lines[0].words for cue in cues)


def test_clean_punctuation_drops_commas_at_line_ends_only_on_screen():
    text = "今天我们聊聊语音，明天聊聊视频。“真的吗？”他问。"
    _, _, clean = cues_of(text)
    assert [cue.text for cue in clean][:2] == ["今天我们聊聊语音", "明天聊聊视频"]
    assert "？”" in clean[-1].text
    assert "".join(line.source for cue in clean for line in cue.lines) == text
    full = CaptionLayout.of({**load_style("subtitle"), "punctuation": "full"}, 1080, 1920)
    words, frames = spoken_words(text)
    assert make_cues(text, words, 0, frames, SAMPLE_RATE_HZ, full)[0].text == "今天我们聊聊语音，"


def test_a_segment_shorter_than_its_cues_shows_the_first_ones():
    cues = make_cues(SENTENCE, [], 0, 2, SAMPLE_RATE_HZ, LAYOUT)
    assert [cue.frames for cue in cues] == [1, 1]
