from collections.abc import AsyncIterator, Iterator

import grpc
import numpy as np
import pytest
from PIL import Image

from services.overlay.servicer import overlay_spec
from tests.support.drawing import over, rendered
from tests.support.mesh import Server, run_server
from tests.support.overlay_requests import cue, request
from tests.support.refusals import refusal
from vigent.overlay.v1 import overlay_pb2, overlay_pb2_grpc


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    with run_server("services.overlay", tmp_path_factory.mktemp("overlay")) as server:
        yield server


@pytest.fixture
async def stub(server) -> AsyncIterator[overlay_pb2_grpc.OverlayServiceStub]:
    async with grpc.aio.insecure_channel(server.address) as channel:
        yield overlay_pb2_grpc.OverlayServiceStub(channel)


async def test_streams_accepted_then_pictures_then_done(stub):
    events = [event async for event in stub.Render(request(), timeout=60)]
    assert events[0].accepted.engine == "plain"
    pictures = [event.picture for event in events if event.HasField("picture")]
    assert events[-1].done == overlay_pb2.RenderDone(pictures=len(pictures), renderer="plain")
    canvas = Image.new("RGB", (1080, 1920))
    expected = rendered(overlay_spec(request()))
    assert len(pictures) == len(expected)
    for sent, drawn in zip(pictures, expected, strict=True):
        assert sent.format == overlay_pb2.OVERLAY_FORMAT_RGBA32
        assert (sent.first_film_frame, sent.frames, sent.x, sent.y) == (
            drawn.first_film_frame,
            drawn.frames,
            drawn.x,
            drawn.y,
        )
        pixels = np.frombuffer(sent.data, np.uint8).reshape(sent.height, sent.width, 4)
        assert np.array_equal(pixels, drawn.pixels)
    assert over(expected, 30, canvas)[..., :3].any()


@pytest.mark.parametrize(
    ("bad", "field", "reason"),
    [
        (request(width=7), "width", "INVALID_INPUT"),
        (request(caption_style_json="{}"), "caption_style_json", "STYLE_INVALID"),
        (request(cues=[cue(text="한")]), "cues[0].lines", "GLYPH_MISSING"),
    ],
)
async def test_what_cannot_be_drawn_is_refused_by_field_and_the_server_goes_on(stub, bad, field, reason):
    expected = grpc.StatusCode.INVALID_ARGUMENT, field, reason
    assert await refusal(stub.Render(bad, timeout=60)) == expected
    events = [event async for event in stub.Render(request(), timeout=60)]
    assert events[-1].HasField("done")


async def test_a_caller_that_goes_away_stops_the_drawing(stub):
    many = request(cues=[cue(20 * n, 20, f"第{n}句话") for n in range(2_000)], frames=40_000)
    call = stub.Render(many, timeout=60)
    assert (await call.read()).HasField("accepted")
    call.cancel()
    events = [event async for event in stub.Render(request(), timeout=60)]
    assert events[-1].HasField("done")
