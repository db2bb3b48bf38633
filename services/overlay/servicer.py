"""The gRPC side of overlays: checked requests in, pictures out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import grpc

from services.base.errors import InvalidInputError
from services.enginekit.progress import ProgressSnapshot
from services.media.store import MediaStore
from services.overlay.canary import CANARY
from services.overlay.engine import Corner, Cue, CueLine, Label, OverlayPicture, OverlaySpec, Title
from services.overlay.limits import check_spec
from services.runtime.interceptors import Context
from services.runtime.server import ServiceSpec
from services.runtime.worker.call import progress_message
from services.runtime.worker.worker import Worker
from services.typography.cues import CueWord
from services.typography.fonts import use_uploaded_fonts
from services.typography.styles import Box, parse_style
from vigent.overlay.v1 import overlay_pb2, overlay_pb2_grpc

_CORNERS = {
    overlay_pb2.CORNER_UNSPECIFIED: Corner.TOP_LEFT,
    overlay_pb2.CORNER_TOP_LEFT: Corner.TOP_LEFT,
    overlay_pb2.CORNER_TOP_RIGHT: Corner.TOP_RIGHT,
    overlay_pb2.CORNER_BOTTOM_LEFT: Corner.BOTTOM_LEFT,
    overlay_pb2.CORNER_BOTTOM_RIGHT: Corner.BOTTOM_RIGHT,
}


class OverlayServicer(overlay_pb2_grpc.OverlayServiceServicer):
    """Serves vigent.overlay.v1.OverlayService from the engine in `worker`."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def Render(
        self, request: overlay_pb2.RenderRequest, context: Context
    ) -> AsyncIterator[overlay_pb2.RenderResponse]:
        """Streams accepted, then progress and pictures, then done."""
        del context
        spec = await asyncio.to_thread(overlay_spec, request)  # the first one loads the schema of styles
        async with self._worker.call("render", spec) as call:
            yield overlay_pb2.RenderResponse(accepted=call.accepted)
            pictures = 0
            async for event in call.events():
                match event:
                    case ProgressSnapshot():
                        yield overlay_pb2.RenderResponse(progress=progress_message(event))
                    case OverlayPicture():
                        pictures += 1
                        yield overlay_pb2.RenderResponse(picture=_picture(event))
            call.media_s = spec.frames / spec.frame_rate_hz
            done = overlay_pb2.RenderDone(pictures=pictures, renderer=call.accepted.engine)
            yield overlay_pb2.RenderResponse(done=done)


def overlay_spec(request: overlay_pb2.RenderRequest) -> OverlaySpec:
    """What `request` asks for, styles with defaults filled. Raises InvalidInputError naming the field at fault."""
    spec = OverlaySpec(
        width=request.width,
        height=request.height,
        frame_rate_hz=request.frame_rate_hz,
        first_film_frame=request.first_film_frame,
        frames=request.frames,
        cues=tuple(map(_cue, request.cues)),
        caption_style=parse_style(request.caption_style_json, "caption_style_json") if request.cues else {},
        title=_title(request.title) if request.HasField("title") else None,
        labels=tuple(_label(f"labels[{index}]", label) for index, label in enumerate(request.labels)),
    )
    check_spec(spec)
    return spec


def _cue(cue: overlay_pb2.Cue) -> Cue:
    return Cue(cue.first_film_frame, cue.frames, tuple(map(_line, cue.lines)))


def _line(line: overlay_pb2.CueLine) -> CueLine:
    words = (CueWord(word.char_start, word.char_end, word.first_film_frame, word.end_film_frame) for word in line.words)
    return CueLine(line.text, tuple(words))


def _title(title: overlay_pb2.Title) -> Title:
    style = parse_style(title.style_json, "title.style_json")
    return Title(tuple(title.lines), title.first_film_frame, title.frames, style)


def _label(field: str, label: overlay_pb2.Label) -> Label:
    if label.corner not in _CORNERS:
        raise InvalidInputError(f"There is no corner {label.corner}.", "Give 1 to 4.", f"{field}.corner")
    return Label(
        label.text,
        label.first_film_frame,
        label.frames,
        label.height_share,
        _CORNERS[label.corner],
        _bounds(field, label),
    )


def _bounds(field: str, label: overlay_pb2.Label) -> Box | None:
    match label.bounds[:]:
        case []:
            return None
        case [left, top, right, bottom] if 0 <= left < right <= 1 and 0 <= top < bottom <= 1:
            return left, top, right, bottom
    remedy = "Give left, top, right and bottom edge as shares of the canvas, or none."
    raise InvalidInputError(f"{list(label.bounds[:8])} is not an area.", remedy, f"{field}.bounds")


def _picture(picture: OverlayPicture) -> overlay_pb2.OverlayPicture:
    height, width, _ = picture.pixels.shape
    return overlay_pb2.OverlayPicture(
        first_film_frame=picture.first_film_frame,
        frames=picture.frames,
        x=picture.x,
        y=picture.y,
        width=width,
        height=height,
        format=overlay_pb2.OVERLAY_FORMAT_RGBA32,
        data=picture.pixels.tobytes(),
    )


def _add(server: grpc.aio.Server, worker: Worker, store: MediaStore) -> None:
    use_uploaded_fonts(store.root)
    overlay_pb2_grpc.add_OverlayServiceServicer_to_server(OverlayServicer(worker), server)


SPEC = ServiceSpec(
    name="overlay",
    full_name="vigent.overlay.v1.OverlayService",
    engines={
        "plain": "services.overlay.plain.engine:PlainEngine",
        "remotion": "services.overlay.remotion.engine:RemotionEngine",
    },
    default_engine="plain",
    fallback_engine="plain",
    add=_add,
    canary=CANARY,
)
