"""Requests to the overlay service."""

import json

from services.typography.styles import load_style
from vigent.overlay.v1 import overlay_pb2

STYLE = json.dumps(load_style("subtitle", "karaoke"))
TITLE_STYLE = json.dumps(load_style("title"))


def request(**changes) -> overlay_pb2.RenderRequest:
    word = overlay_pb2.CueWord(char_start=0, char_end=2, first_film_frame=10, end_film_frame=20)
    fields = {
        "width": 1080,
        "height": 1920,
        "frame_rate_hz": 25,
        "first_film_frame": 0,
        "frames": 100,
        "cues": [
            overlay_pb2.Cue(first_film_frame=10, frames=40, lines=[overlay_pb2.CueLine(text="大家好", words=[word])])
        ],
        "caption_style_json": STYLE,
        "title": overlay_pb2.Title(lines=["标题"], frames=50, style_json=TITLE_STYLE),
        "labels": [overlay_pb2.Label(text="AI", frames=100, height_share=0.05)],
    }
    return overlay_pb2.RenderRequest(**{**fields, **changes})


def cue(first=0, frames=10, text="好", words=()) -> overlay_pb2.Cue:
    line = overlay_pb2.CueLine(text=text, words=[overlay_pb2.CueWord(**word) for word in words])
    return overlay_pb2.Cue(first_film_frame=first, frames=frames, lines=[line])
