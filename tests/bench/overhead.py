"""`mesh_overhead`: voice and lip-sync called in one process over the same calls through their servers.

Once with the default engines, which want every core and work for 5 ms a frame, and once with a lip-sync that takes
20 ms a frame without a core, as one on a GPU does (`mesh_overhead_gpu`).
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median

import numpy as np

from orchestrator.film.conform import conform
from orchestrator.making.pictures import LipsyncCall
from orchestrator.making.servers import Service
from orchestrator.making.take import Take
from services.base.allocator import keep_large_blocks
from services.enginekit.progress import Progress
from services.enginekit.settings import EngineSettings
from services.lipsync.engine import Footage, LipsyncEngine, LipsyncSpec
from services.lipsync.warp.engine import WarpEngine
from services.media.store import MediaStore, StoredFile, media_ref
from services.tts.engine import Speech, Synthesis
from services.tts.espeak import EspeakEngine
from tests.bench.figures import Figure
from tests.bench.pipeline import sleeping_engines
from tests.knobs.lipsync import KnobsLipsync
from tests.support.mesh import ROOT, run_server
from vigent.lipsync.v1 import lipsync_pb2
from vigent.lipsync.v1.lipsync_pb2_grpc import LipsyncServiceStub
from vigent.tts.v1 import tts_pb2
from vigent.tts.v1.tts_pb2_grpc import TtsServiceStub

_TEXT = "大家好，这一句话先在一个进程里说出来，再通过 gRPC 说一遍，看看差多少。"
_ROUNDS = 3
_DELAY_S = 0.02
_PATCH = {"width": "400", "height": "400"}


def _in_one_process(voice: EspeakEngine, lips: LipsyncEngine, footage: Footage) -> int:
    events = voice.synthesize(Synthesis(_TEXT), Progress())
    pcm = np.concatenate([event.pcm for event in events if isinstance(event, Speech)])
    spec = LipsyncSpec(footage, 0, voice.sample_rate_hz)
    return sum(1 for _ in lips.lipsync(spec, [pcm], Progress()))


async def _through_servers(tts: TtsServiceStub, lipsync: LipsyncServiceStub, footage: StoredFile) -> int:
    take: Take | None = None
    async for response in tts.Synthesize(tts_pb2.SynthesizeRequest(text=_TEXT), timeout=600):
        if response.HasField("accepted"):
            take = Take(response.accepted.format.sample_rate_hz)
        elif response.HasField("audio") and take:
            take.append(response.audio.data)
    assert take
    take.close()
    opening = lipsync_pb2.LipsyncOpen(footage=media_ref(footage))
    return len([patch async for patch in LipsyncCall(lipsync, opening, take).patches()])


async def _compare(
    folder: Path, tts: str, lipsync: str, lips: LipsyncEngine, footage: StoredFile
) -> tuple[float, float]:
    voices = Service(tts, "vigent.tts.v1.TtsService", TtsServiceStub)
    mouths = Service(lipsync, "vigent.lipsync.v1.LipsyncService", LipsyncServiceStub)
    voice = EspeakEngine(_settings(folder))
    local = Footage(MediaStore(folder / "media").path(footage.sha256), footage.sha256)
    for _ in lips.prepare(local, Progress()):
        pass
    walls: list[tuple[float, float]] = []
    with voices.least_busy() as tts_stub, mouths.least_busy() as lipsync_stub:
        for number in range(_ROUNDS + 1):
            begun_s = time.perf_counter()
            await asyncio.to_thread(_in_one_process, voice, lips, local)
            middle_s = time.perf_counter()
            await _through_servers(tts_stub, lipsync_stub, footage)
            if number:  # the first round warms both sides up
                walls.append((middle_s - begun_s, time.perf_counter() - middle_s))
    await voices.close()
    await mouths.close()
    return median(alone for alone, _ in walls), median(mesh for _, mesh in walls)


def _figure(
    name: str, what: str, folder: Path, footage: StoredFile, lips: LipsyncEngine, environment: Mapping[str, str]
) -> Figure:
    with run_server("services.tts", folder) as tts, run_server("services.lipsync", folder, environment) as lipsync:
        alone_s, mesh_s = asyncio.run(_compare(folder, tts.address, lipsync.address, lips, footage))
    return Figure(name, alone_s / mesh_s, ">= 0.9", f"{what}; {alone_s:.2f} s, servers {mesh_s:.2f} s")


def figures() -> list[Figure]:
    """Both figures."""
    keep_large_blocks()  # as the servers and the orchestrator do, for both sides
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        footage = _footage(folder)
        cache = {"VIGENT_LIPSYNC_CACHE_ROOT": str(_settings(folder).cache_root)}
        sleeping = sleeping_engines({"lipsync": _DELAY_S}, **_PATCH)
        sleeper = KnobsLipsync(EngineSettings(options={"delay_s": str(_DELAY_S), **_PATCH}))
        what = "espeak and warp on the demo presenter, 1080x1920"
        slow = f"espeak and a lip-sync that sleeps {_DELAY_S:g} s a frame, patches of 400x400"
        return [
            _figure("mesh_overhead", what, folder, footage, WarpEngine(_settings(folder)), cache),
            _figure("mesh_overhead_gpu", slow, folder, footage, sleeper, sleeping),
        ]


def _settings(folder: Path) -> EngineSettings:
    return EngineSettings(cache_root=folder / "cache")


def _footage(folder: Path) -> StoredFile:
    presenter, conformed = ROOT / "assets" / "demo" / "presenter.mp4", folder / "footage.mp4"
    conform(presenter, conformed, 1080, 1920)
    return MediaStore(folder / "media").put_file(conformed if conformed.exists() else presenter)
