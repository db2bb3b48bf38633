"""The gRPC side of overlays: checked requests in, pictures out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import grpc

from services.overlay.engine import OverlayPicture
from services.overlay.request import overlay_spec
from services.runtime.convert import progress_message
from services.runtime.media import MediaStore
from services.runtime.progress import ProgressSnapshot
from services.runtime.server import ServiceSpec
from services.runtime.worker import Worker
from vigent.overlay.v1 import overlay_pb2, overlay_pb2_grpc

_Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class OverlayServicer(overlay_pb2_grpc.OverlayServiceServicer):
    """Serves vigent.overlay.v1.OverlayService from the engine in `worker`."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def Render(
        self, request: overlay_pb2.RenderRequest, context: _Context
    ) -> AsyncIterator[overlay_pb2.RenderResponse]:
        """Streams accepted, then progress and pictures, then done."""
        del context
        spec = overlay_spec(request)
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
    del store
    overlay_pb2_grpc.add_OverlayServiceServicer_to_server(OverlayServicer(worker), server)


SPEC = ServiceSpec(
    name="overlay",
    full_name="vigent.overlay.v1.OverlayService",
    engines={"plain": "services.overlay.plain:PlainEngine"},
    default_engine="plain",
    add=_add,
)
