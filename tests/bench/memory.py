"""`memory_growth`: peak memory of all processes for a 30-minute script over that for a 1-minute script."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from orchestrator.client import JobClient
from tests.bench.figures import Figure
from tests.bench.pipeline import script_of, sleeping_engines
from tests.bench.processes import family, peak_mib
from tests.support.films import ended, spec_of
from tests.support.mesh import Mesh, run_mesh
from vigent.jobs.v1 import jobs_pb2

_WIDTH, _HEIGHT = 144, 256
_SPEED, _SENTENCE_S = 0.75, 3.5
"""A slow voice: half an hour has to fit into a script's 20,000 characters."""


async def _make(mesh: Mesh, script: str) -> jobs_pb2.Job:
    async with JobClient(mesh.jobs) as client:
        spec = spec_of(mesh, script, width=_WIDTH, height=_HEIGHT, speed=_SPEED)
        return await ended(client, (await client.submit(spec)).job.id)


def _peak_of(minutes: int) -> tuple[float, float, float]:
    """MiB at the peak, seconds of film, seconds of wall."""
    with tempfile.TemporaryDirectory() as folder:
        engines = sleeping_engines({"tts": 0.0, "lipsync": 0.0})
        with run_mesh(Path(folder), engines | {"VIGENT_ASR_ENGINE": "tests.knobs.asr:KnobsAsr"}) as mesh:
            begun_s = time.perf_counter()
            job = asyncio.run(_make(mesh, script_of(round(minutes * 60 / _SENTENCE_S))))
            assert job.state == jobs_pb2.JOB_STATE_DONE, job.error
            film_s = sum(segment.frames for segment in job.segments) / 25
            pids = [server.process.pid for server in mesh.servers.values()]
            return sum(map(peak_mib, family(pids))), film_s, time.perf_counter() - begun_s


def figures() -> list[Figure]:
    """The figure."""
    short, _, _ = _peak_of(1)
    long, film_s, wall_s = _peak_of(30)
    conditions = (
        f"{_WIDTH}x{_HEIGHT}, test engines, all processes: {short:.0f} MiB, {long:.0f} MiB "
        f"for {film_s / 60:.0f} min of film in {wall_s:.0f} s"
    )
    return [Figure("memory_growth", long / short, "<= 1.1", conditions)]
