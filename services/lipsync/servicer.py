"""The gRPC side of lip-sync: checks requests, turns what the engine yields into messages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

import grpc

from services.base.errors import InternalError, InvalidInputError
from services.enginekit.progress import ProgressSnapshot
from services.lipsync.canary import CANARY
from services.lipsync.engine import LARGEST_PATCH_BYTES, Box, Footage, FootageReport, LipsyncSpec, Patch, Quality
from services.media.store import MediaStore
from services.media.timeline import FRAME_RATE_HZ
from services.runtime.audio_stream import AudioStream
from services.runtime.interceptors import Context
from services.runtime.server import ServiceSpec
from services.runtime.worker.call import progress_message
from services.runtime.worker.worker import Worker
from vigent.lipsync.v1 import lipsync_pb2, lipsync_pb2_grpc
from vigent.media.v1 import media_pb2

_LAST_FILM_FRAME = 2**31
"""Some years of film."""

_QUALITIES: Mapping[int, Quality] = {
    lipsync_pb2.QUALITY_UNSPECIFIED: Quality.STANDARD,
    lipsync_pb2.QUALITY_DRAFT: Quality.DRAFT,
    lipsync_pb2.QUALITY_STANDARD: Quality.STANDARD,
    lipsync_pb2.QUALITY_BEST: Quality.BEST,
}


class LipsyncServicer(lipsync_pb2_grpc.LipsyncServiceServicer):
    """Serves vigent.lipsync.v1.LipsyncService from the engine in `worker`; footage comes from `store`."""

    def __init__(self, worker: Worker, store: MediaStore) -> None:
        self._worker = worker
        self._store = store

    async def Prepare(
        self, request: lipsync_pb2.PrepareRequest, context: Context
    ) -> AsyncIterator[lipsync_pb2.PrepareResponse]:
        """Streams accepted, then progress, then the report."""
        del context
        report: FootageReport | None = None
        footage = await asyncio.to_thread(self._footage, request.footage, "footage")
        async with self._worker.call("prepare", footage) as call:
            yield lipsync_pb2.PrepareResponse(accepted=call.accepted)
            async for event in call.events():
                match event:
                    case ProgressSnapshot():
                        yield lipsync_pb2.PrepareResponse(progress=progress_message(event))
                    case FootageReport():
                        report = event
                        call.media_s = event.frames / FRAME_RATE_HZ
        if report is None:
            raise InternalError("The engine ended without a report.")
        yield lipsync_pb2.PrepareResponse(report=_report_message(report))

    async def Lipsync(
        self, request_iterator: AsyncIterator[lipsync_pb2.LipsyncRequest], context: Context
    ) -> AsyncIterator[lipsync_pb2.LipsyncResponse]:
        """Streams accepted, then progress and one patch a film frame, then done."""
        del context
        stream = AudioStream(request_iterator)
        spec = await asyncio.to_thread(self._spec, (await stream.opened()).open)
        film = _PatchStream(spec.first_film_frame)
        async with self._worker.call("lipsync", spec, stream.chunks()) as call:
            yield lipsync_pb2.LipsyncResponse(accepted=call.accepted)
            async for event in call.events():
                match event:
                    case ProgressSnapshot():
                        yield lipsync_pb2.LipsyncResponse(progress=progress_message(event))
                    case Patch():
                        yield lipsync_pb2.LipsyncResponse(patch=film.patch(event))
                        call.media_s = film.frames / FRAME_RATE_HZ
        yield lipsync_pb2.LipsyncResponse(done=film.done())

    def _footage(self, ref: media_pb2.MediaRef, field: str) -> Footage:
        return Footage(self._store.path(ref.sha256, field), ref.sha256)

    def _spec(self, request: lipsync_pb2.LipsyncOpen) -> LipsyncSpec:
        return LipsyncSpec(
            footage=self._footage(request.footage, "open.footage"),
            first_film_frame=_checked_frame(request.first_film_frame),
            sample_rate_hz=_checked_rate(request.format.sample_rate_hz),
            quality=_checked_quality(request.quality),
            seed=request.seed,
        )


class _PatchStream:
    """Turns the patches of one call into messages: checks their order and counts them."""

    def __init__(self, first_film_frame: int) -> None:
        self.frames = 0
        self._first_film_frame = first_film_frame
        self._without_face = 0

    def patch(self, patch: Patch) -> lipsync_pb2.Patch:
        expected = self._first_film_frame + self.frames
        if patch.film_frame != expected:
            raise InternalError(f"The engine gave film frame {patch.film_frame} where {expected} belongs.")
        self.frames += 1
        message = lipsync_pb2.Patch(film_frame=expected, pixel_format=lipsync_pb2.PIXEL_FORMAT_RGB24)
        if patch.pixels is None:
            self._without_face += 1
            return message
        if patch.pixels.nbytes > LARGEST_PATCH_BYTES:
            raise InternalError(f"The engine's patch of film frame {expected} has {patch.pixels.nbytes} bytes.")
        height, width = patch.pixels.shape[:2]
        message.box.CopyFrom(_box_message(Box(patch.x, patch.y, width, height)))
        message.data = patch.pixels.tobytes()
        return message

    def done(self) -> lipsync_pb2.LipsyncDone:
        return lipsync_pb2.LipsyncDone(frames=self.frames, frames_without_face=self._without_face)


def _report_message(report: FootageReport) -> lipsync_pb2.FootageReport:
    return lipsync_pb2.FootageReport(
        width=report.width,
        height=report.height,
        frame_rate_hz=report.frame_rate_hz,
        frames=report.frames,
        frames_without_face=report.frames_without_face,
        frames_with_several_faces=report.frames_with_several_faces,
        problems=report.problems,
        mouth=_box_message(report.mouth) if report.mouth else None,
        face=_box_message(report.face) if report.face else None,
        turned_degrees=report.turned_degrees,
        face_luma=report.face_luma,
    )


def _box_message(box: Box) -> lipsync_pb2.Box:
    return lipsync_pb2.Box(x=box.x, y=box.y, width=box.width, height=box.height)


def _checked_frame(first_film_frame: int) -> int:
    if not 0 <= first_film_frame <= _LAST_FILM_FRAME:
        raise InvalidInputError(
            f"There is no film frame {first_film_frame}.",
            f"Count from 0; {_LAST_FILM_FRAME} is the last.",
            "open.first_film_frame",
            "FRAME_OUT_OF_RANGE",
        )
    return first_film_frame


def _checked_rate(sample_rate_hz: int) -> int:
    if sample_rate_hz % FRAME_RATE_HZ:
        raise InvalidInputError(
            f"{sample_rate_hz} Hz is not a whole number of samples per frame at {FRAME_RATE_HZ} frames per second.",
            "Send 16000, 22050, 24000 or 48000 Hz.",
            "open.format.sample_rate_hz",
            "UNEVEN_RATE",
        )
    return sample_rate_hz


def _checked_quality(quality: int) -> Quality:
    if quality not in _QUALITIES:
        remedy = "Give QUALITY_DRAFT, QUALITY_STANDARD or QUALITY_BEST."
        raise InvalidInputError(f"There is no quality {quality}.", remedy, "open.quality", "UNKNOWN_QUALITY")
    return _QUALITIES[quality]


def _add(server: grpc.aio.Server, worker: Worker, store: MediaStore) -> None:
    lipsync_pb2_grpc.add_LipsyncServiceServicer_to_server(LipsyncServicer(worker, store), server)


SPEC = ServiceSpec(
    name="lipsync",
    full_name="vigent.lipsync.v1.LipsyncService",
    engines={
        "warp": "services.lipsync.warp.engine:WarpEngine",
        "latentsync": "services.lipsync.latentsync.engine:LatentSyncEngine",
    },
    default_engine="warp",
    add=_add,
    canary=CANARY,
)
