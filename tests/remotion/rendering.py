"""Asking an overlay server for pictures, and laying them over a frame."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import grpc
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families

from services.base.client import MAX_RESPONSE_BYTES
from tests.support.mesh import Server
from vigent.overlay.v1 import overlay_pb2
from vigent.overlay.v1.overlay_pb2_grpc import OverlayServiceStub

FRAMES = 50
TIMEOUT_S = 90.0
OPTIONS = [("grpc.max_receive_message_length", MAX_RESPONSE_BYTES)]


@dataclass(frozen=True)
class Rendering:
    """What a server answered."""

    engine: str
    pictures: list[overlay_pb2.OverlayPicture]
    done: overlay_pb2.RenderDone


async def rendered(address: str, request: overlay_pb2.RenderRequest) -> Rendering:
    """The whole answer."""
    async with grpc.aio.insecure_channel(address, options=OPTIONS) as channel:
        return await read(OverlayServiceStub(channel).Render(request, timeout=TIMEOUT_S))


def figure(server: Server, name: str, **labels: str) -> float:
    """A sample of the server's metrics, summed over what `labels` do not tell apart."""
    with urllib.request.urlopen(f"http://{server.metrics}/metrics", timeout=TIMEOUT_S) as answer:
        page = answer.read().decode()
    samples = [sample for family in text_string_to_metric_families(page) for sample in family.samples]
    return sum(each.value for each in samples if each.name == name and labels.items() <= each.labels.items())


async def read(call: grpc.aio.UnaryStreamCall) -> Rendering:
    """The rest of an answer."""
    events = []
    while (event := await call.read()) is not grpc.aio.EOF:
        events.append(event)
    engines = [event.accepted.engine for event in events if event.HasField("accepted")]
    pictures = [event.picture for event in events if event.HasField("picture")]
    return Rendering("".join(engines), pictures, events[-1].done)


async def until_picture(call: grpc.aio.UnaryStreamCall) -> overlay_pb2.OverlayPicture:
    """The first picture of an answer."""
    while not (event := await call.read()).HasField("picture"):
        pass
    return event.picture


def captions(style: dict[str, Any], cues: Sequence[overlay_pb2.Cue], **changes: Any) -> overlay_pb2.RenderRequest:
    """Captions over a film of `FRAMES` frames in 1080x1920."""
    fields = {"width": 1080, "height": 1920, "frame_rate_hz": 25, "frames": FRAMES, "cues": cues}
    return overlay_pb2.RenderRequest(caption_style_json=json.dumps(style), **{**fields, **changes})


def cue(*lines: str, first: int = 0, frames: int = FRAMES, word_frames: int = 10) -> overlay_pb2.Cue:
    """Lines whose words, parted by spaces, are spoken one after the other, `word_frames` each."""
    spoken, messages = first, []
    for line in lines:
        words, start = [], 0
        for word in line.split(" "):
            times = {"first_film_frame": spoken, "end_film_frame": spoken + word_frames}
            words.append(overlay_pb2.CueWord(char_start=start, char_end=start + len(word), **times))
            start, spoken = start + len(word) + 1, spoken + word_frames
        messages.append(overlay_pb2.CueLine(text=line, words=words))
    return overlay_pb2.Cue(first_film_frame=first, frames=frames, lines=messages)


def film_frame(
    pictures: Sequence[overlay_pb2.OverlayPicture], frame: int, width: int = 1080, height: int = 1920
) -> NDArray[np.uint8]:
    """Everything that lies over a film frame, over grey: uint8 RGB."""
    film = Image.new("RGBA", (width, height), (128, 128, 128, 255))
    for picture in pictures:
        if picture.first_film_frame <= frame < picture.first_film_frame + picture.frames:
            film.alpha_composite(image_of(picture), (picture.x, picture.y))
    return np.asarray(film)[..., :3]


def image_of(picture: overlay_pb2.OverlayPicture) -> Image.Image:
    """A picture with its straight alpha."""
    return Image.frombytes("RGBA", (picture.width, picture.height), picture.data)
