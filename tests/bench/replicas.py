"""`replicas_2`, `replicas_3`: lip-sync wall with one over that with so many; the engine sleeps as a GPU would."""

from __future__ import annotations

import asyncio
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from orchestrator.making.pictures import LipsyncCall
from orchestrator.making.servers import Service
from orchestrator.making.take import Take
from tests.bench.figures import Figure
from tests.bench.pipeline import sleeping_engines
from tests.support.mesh import run_server
from vigent.lipsync.v1 import lipsync_pb2
from vigent.lipsync.v1.lipsync_pb2_grpc import LipsyncServiceStub
from vigent.media.v1 import media_pb2

_SEGMENTS, _FRAMES, _DELAY_S = 18, 40, 0.02  # as many for each of two, and of three
_TARGETS = {2: ">= 1.9", 3: ">= 2.8"}
_RATE_HZ = 24_000


async def _wall_s(addresses: list[str], footage: media_pb2.MediaRef) -> float:
    service = Service(",".join(addresses), "vigent.lipsync.v1.LipsyncService", LipsyncServiceStub)
    take = Take(_RATE_HZ)
    take.append(bytes(2 * _RATE_HZ // 25 * _FRAMES))
    take.close()
    in_flight = asyncio.Semaphore(len(addresses))

    async def segment(index: int) -> None:
        async with in_flight:
            opening = lipsync_pb2.LipsyncOpen(footage=footage, first_film_frame=index * _FRAMES)
            with service.least_busy() as stub:
                patches = [patch async for patch in LipsyncCall(stub, opening, take).patches()]
            assert len(patches) == _FRAMES

    await segment(0)
    begun_s = time.perf_counter()
    await asyncio.gather(*(segment(index) for index in range(_SEGMENTS)))
    wall_s = time.perf_counter() - begun_s
    await service.close()
    return wall_s


def figures() -> list[Figure]:
    """The figures."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        engines = sleeping_engines({"lipsync": _DELAY_S})
        servers = [stack.enter_context(run_server("services.lipsync", folder, engines)) for _ in range(max(_TARGETS))]
        footage = media_pb2.MediaRef(sha256=_any_file(folder))
        addresses = [server.address for server in servers]
        wall_s = {count: asyncio.run(_wall_s(addresses[:count], footage)) for count in (1, *_TARGETS)}
    return [_figure(count, wall_s[1], wall_s[count]) for count in _TARGETS]


def _figure(count: int, one_s: float, several_s: float) -> Figure:
    conditions = f"{_SEGMENTS} segments of {_FRAMES} frames, {_DELAY_S:g} s a frame; {one_s:.1f} s, {several_s:.1f} s"
    return Figure(f"replicas_{count}", one_s / several_s, _TARGETS[count], conditions)


def _any_file(folder: Path) -> str:
    from services.media.store import MediaStore

    return MediaStore(folder / "media").put_bytes(b"the engine that sleeps reads no footage").sha256
