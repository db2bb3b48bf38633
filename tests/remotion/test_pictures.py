"""Remotion and `plain` draw the same: every style, coming, resting and going, compared picture by picture."""

import copy
import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from services.typography.styles import list_styles, load_style
from tests.remotion.comparing import Difference, difference
from tests.remotion.rendering import captions, cue, film_frame, rendered
from tests.support.mesh import Server
from vigent.overlay.v1 import overlay_pb2

Style = dict[str, Any]

LINES = ("大家好， 我是 Vigent 3.5", "今天 讲 80% 的 AI 视频")
COMING, RESTING, GOING = 1, 25, 49
MOST = Difference(edges_px=2, shift_px=0, mean=3.0, worst=18.0)
"""How far two rasterisers may be apart; every fault of MUTATIONS goes beyond it."""
MOST_COMING = Difference(edges_px=2, shift_px=1, mean=5.5, worst=26.0)
"""The same for a block that is still growing, which both draw resized."""


def request_of(kind: str, style: Style) -> overlay_pb2.RenderRequest:
    if kind == "subtitle":
        return captions(style, [cue(*LINES, word_frames=6)])
    title = overlay_pb2.Title(lines=["会说话的 Vigent", "三步做好短视频"], frames=50, style_json=json.dumps(style))
    return overlay_pb2.RenderRequest(width=1080, height=1920, frame_rate_hz=25, frames=50, title=title)


def agree(found: Difference, frame: int = RESTING) -> bool:
    most = asdict(MOST_COMING if frame == COMING else MOST)
    return all(value <= most[name] for name, value in asdict(found).items())


async def compared(
    one: Server, other: Server, requests: tuple[overlay_pb2.RenderRequest, ...], name: str = ""
) -> dict[int, Difference]:
    """The differences by film frame; what was drawn is kept where VIGENT_KEEP_PICTURES says."""
    answers = [await rendered(server.address, request) for server, request in zip((one, other), requests, strict=True)]
    size = requests[0].width, requests[0].height
    found = {}
    for frame in (COMING, RESTING, GOING):
        films = [film_frame(answer.pictures, frame, *size) for answer in answers]
        found[frame] = difference(*films)
        _keep(f"{name}-{frame}", films)
    return found


def _keep(name: str, films: list) -> None:
    if folder := os.environ.get("VIGENT_KEEP_PICTURES"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        for which, film in zip(("remotion", "plain"), films, strict=True):
            Image.fromarray(film).save(Path(folder) / f"{name}-{which}.png")


STYLES = [(kind, style) for kind in ("subtitle", "title") for style in list_styles(kind)]


@pytest.mark.parametrize(("kind", "style_id"), STYLES)
async def test_every_style_looks_the_same(remotion, plain, kind, style_id):
    request = request_of(kind, load_style(kind, style_id))
    found = await compared(remotion, plain, (request, request), f"{kind}-{style_id}")
    assert all(agree(each, frame) for frame, each in found.items()), found


@pytest.mark.parametrize("corner", [1, 2, 3, 4])
async def test_labels_look_the_same(remotion, plain, corner):
    label = overlay_pb2.Label(text="AI 生成", frames=50, height_share=0.05, corner=corner)
    request = overlay_pb2.RenderRequest(width=1080, height=1920, frame_rate_hz=25, frames=50, labels=[label])
    found = await compared(remotion, plain, (request, request), f"label-{corner}")
    assert all(agree(each, frame) for frame, each in found.items()), found


@pytest.mark.parametrize("size", [(1920, 1080), (270, 480)])
async def test_every_canvas_looks_the_same(remotion, plain, size):
    style = load_style("subtitle", "karaoke")
    request = captions(style, [cue(*LINES, word_frames=6)], width=size[0], height=size[1])
    found = await compared(remotion, plain, (request, request), f"canvas-{size[0]}")
    assert all(agree(each, frame) for frame, each in found.items()), found


async def test_the_same_pictures_lie_over_the_same_frames(remotion, plain):
    request = request_of("subtitle", load_style("subtitle", "spotlight"))
    spans = [
        [(picture.first_film_frame, picture.frames) for picture in (await rendered(server.address, request)).pictures]
        for server in (remotion, plain)
    ]
    assert spans[0] == spans[1]


def moved(style: Style) -> None:
    left, top, right, bottom = style["position"].get("bounds") or (0.1, 0.1, 0.9, 0.8)
    style["position"]["bounds"] = [left, top - 0.002, right, bottom - 0.002]  # 4 px of 1920


def without_shadow(style: Style) -> None:
    style["shadow"]["color"] = "#00000000"


def other_fill(style: Style) -> None:
    style["fill"] = {"color": "#FF8080"}


def thicker(style: Style) -> None:
    style["outline"]["width"] += 0.05


def other_light(style: Style) -> None:
    style["highlight"]["color"] = "#40A0FF"


def lighter_letters(style: Style) -> None:
    style["font"]["weight"] = 500


def larger(style: Style) -> None:
    style["size"] *= 1.02


def further_apart(style: Style) -> None:
    style["line_height"] += 0.06


MUTATIONS = [without_shadow, other_fill, thicker, other_light, lighter_letters, larger, further_apart]


@pytest.mark.parametrize("mutate", MUTATIONS)
@pytest.mark.parametrize("style_id", ["karaoke", "spotlight"])
async def test_the_comparison_finds_what_is_wrong(plain, style_id, mutate: Callable[[Style], None]):
    """Two drawings by `plain`, one of them with a fault: what this test cannot see, those above cannot."""
    style = load_style("subtitle", style_id)
    faulty = copy.deepcopy(style)
    mutate(faulty)
    right, wrong = (request_of("subtitle", which) for which in (style, faulty))
    found = await compared(plain, plain, (right, wrong))
    assert not agree(found[RESTING]), found


async def test_the_comparison_finds_what_stands_elsewhere(plain):
    style = load_style("subtitle", "karaoke")
    right, wrong = (copy.deepcopy(style) for _ in range(2))
    right["position"]["bounds"] = [0.1, 0.1, 0.9, 0.8]
    moved(wrong)
    found = await compared(plain, plain, tuple(request_of("subtitle", which) for which in (right, wrong)))
    assert not agree(found[RESTING]), found
