"""`mesh_overhead`: the default voice and lip-sync called in one process over the same calls through their servers."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

from orchestrator.film.conform import conform
from orchestrator.mesh import Service
from orchestrator.picture import LipsyncCall
from orchestrator.take import Take
from services.lipsync.engine import Footage, LipsyncSpec
from services.lipsync.warp import WarpEngine
from services.runtime.allocator import keep_large_blocks
from services.runtime.convert import media_ref
from services.runtime.engine_settings import EngineSettings
from services.runtime.media import MediaStore, StoredFile
from services.runtime.progress import Progress
from services.tts.engine import Speech, Synthesis
from services.tts.espeak import EspeakEngine
from tests.bench.figures import Figure
from tests.mesh import ROOT, run_server
from vigent.lipsync.v1 import lipsync_pb2
from vigent.lipsync.v1.lipsync_pb2_grpc import LipsyncServiceStub
from vigent.tts.v1 import tts_pb2
from vigent.tts.v1.tts_pb2_grpc import TtsServiceStub

_TEXT = "大家好，这一句话先在一个进程里说出来，再通过 gRPC 说一遍，看看差多少。"
_ROUNDS = 3


def _in_one_process(voice: EspeakEngine, lips: WarpEngine, footage: Footage) -> int:
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
    return len([patch async for patch in LipsyncCall(lipsync, opening, take, 600).patches()])


async def _compare(folder: Path, tts: str, lipsync: str, footage: StoredFile) -> tuple[float, float]:
    voices = Service(tts, "vigent.tts.v1.TtsService", TtsServiceStub)
    mouths = Service(lipsync, "vigent.lipsync.v1.LipsyncService", LipsyncServiceStub)
    settings = EngineSettings(cache_root=folder / "cache")
    voice, lips = EspeakEngine(settings), WarpEngine(settings)
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


def figures() -> list[Figure]:
    """The figure."""
    keep_large_blocks()  # as the servers and the orchestrator do, for both sides
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = MediaStore(folder / "media")
        conform(ROOT / "assets" / "demo" / "presenter.mp4", folder / "footage.mp4", 1080, 1920)
        source = folder / "footage.mp4"
        stored = store.put_file(source if source.exists() else ROOT / "assets" / "demo" / "presenter.mp4")
        cache = {"VIGENT_LIPSYNC_CACHE_ROOT": str(folder / "cache")}
        with run_server("services.tts", folder) as tts, run_server("services.lipsync", folder, cache) as lipsync:
            alone_s, mesh_s = asyncio.run(_compare(folder, tts.address, lipsync.address, stored))
    conditions = f"espeak and warp on the demo presenter, 1080x1920; {alone_s:.2f} s, servers {mesh_s:.2f} s"
    return [Figure("mesh_overhead", alone_s / mesh_s, ">= 0.9", conditions)]
