import pytest

from services.base.errors import InvalidInputError
from services.overlay.engine import Corner
from services.overlay.servicer import overlay_spec
from tests.support.overlay_requests import TITLE_STYLE, cue, request
from vigent.overlay.v1 import overlay_pb2


def word(char_start=0, char_end=1, first=0, end=5) -> dict[str, int]:
    return {"char_start": char_start, "char_end": char_end, "first_film_frame": first, "end_film_frame": end}


def test_a_good_request_becomes_a_spec():
    spec = overlay_spec(request())
    assert (spec.width, spec.height, spec.frame_rate_hz, spec.frames) == (1080, 1920, 25, 100)
    assert spec.cues[0].lines[0].words[0].end_film_frame == 20
    assert spec.caption_style["highlight"]["mode"] == "karaoke"
    assert spec.title is not None
    assert spec.title.style["font"]["weight"] == 900
    assert spec.labels[0].corner is Corner.TOP_LEFT


def test_captions_title_and_labels_may_all_be_missing():
    bare = overlay_pb2.RenderRequest(width=16, height=16, frame_rate_hz=25, frames=1)
    assert overlay_spec(bare).title is None


def test_a_label_may_last_longer_than_any_film():
    label = overlay_pb2.Label(text="AI", frames=2**31 - 1, height_share=0.03)
    assert overlay_spec(request(labels=[label])).labels[0].frames == 2**31 - 1


BAD = [
    ({"width": 0}, "width"),
    ({"width": 1081}, "width"),
    ({"height": 8194}, "height"),
    ({"height": -2}, "height"),
    ({"frame_rate_hz": 0}, "frame_rate_hz"),
    ({"first_film_frame": -1}, "first_film_frame"),
    ({"frames": 0}, "frames"),
    ({"caption_style_json": ""}, "caption_style_json"),
    ({"caption_style_json": '{"version": 1}'}, "caption_style_json"),
    ({"cues": [cue(0, 10), cue(9, 10)]}, "cues[1]"),
    ({"cues": [cue(frames=0)]}, "cues[0].frames"),
    ({"cues": [overlay_pb2.Cue(frames=5)]}, "cues[0].lines"),
    ({"cues": [cue(text=" ")]}, "cues[0].lines[0].text"),
    ({"cues": [cue(text="a\0b")]}, "cues[0].lines[0].text"),
    ({"cues": [cue(text="a\nb")]}, "cues[0].lines[0].text"),
    ({"cues": [cue(text="字" * 501)]}, "cues[0].lines[0].text"),
    ({"cues": [cue(words=[word(char_end=2)])]}, "cues[0].lines[0].words[0].char_end"),
    ({"cues": [cue(text="你好", words=[word(1, 2), word(0, 1)])]}, "cues[0].lines[0].words[1].char_start"),
    ({"cues": [cue(words=[word(first=5, end=4)])]}, "cues[0].lines[0].words[0].end_film_frame"),
    ({"title": overlay_pb2.Title(frames=5, style_json=TITLE_STYLE)}, "title.lines"),
    ({"title": overlay_pb2.Title(lines=["x"], frames=5, style_json="no")}, "title.style_json"),
    ({"labels": [overlay_pb2.Label(text="AI", frames=5)]}, "labels[0].height_share"),
    ({"labels": [overlay_pb2.Label(text="AI", frames=5, height_share=float("nan"))]}, "labels[0].height_share"),
    ({"labels": [overlay_pb2.Label(text="AI", frames=5, height_share=0.05, corner=9)]}, "labels[0].corner"),
    ({"labels": [overlay_pb2.Label(frames=5, height_share=0.05)]}, "labels[0].text"),
    ({"cues": [cue(n, 1) for n in range(5_001)]}, "cues"),
]
"""What may not be asked for: changes of a good request, and the field that is named."""


@pytest.mark.parametrize(("changes", "field"), BAD)
def test_what_cannot_be_drawn_is_refused_by_field(changes, field):
    with pytest.raises(InvalidInputError) as refused:
        overlay_spec(request(**changes))
    assert refused.value.field == field
    assert refused.value.remedy
