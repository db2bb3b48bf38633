"""`recover`: lip-sync frames made again after kill -9 of the orchestrator at random moments, in segments."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections import Counter
from pathlib import Path
from statistics import mean

from orchestrator.client import JobClient
from tests.bench.figures import Figure
from tests.bench.pipeline import script_of, sleeping_engines
from tests.support.films import ended, spec_of, until
from tests.support.mesh import Mesh, run_mesh
from vigent.jobs.v1 import jobs_pb2

_SENTENCES, _KILLS = 8, 4


async def _repeated_segments(mesh: Mesh, log: Path, seed: int) -> float:
    before = _frames_made(log)
    async with JobClient(mesh.jobs) as client:
        job = (await client.submit(spec_of(mesh, script_of(_SENTENCES), seed=seed))).job
        moment = random.Random(seed).uniform(10, 85)
        await until(client, job.id, lambda event: event.progress.percent >= moment)
        await asyncio.to_thread(_restart, mesh)
        job = await ended(client, job.id)
    assert job.state == jobs_pb2.JOB_STATE_DONE, job.error
    frames = sum(segment.frames for segment in job.segments)
    return (_frames_made(log) - before - frames) * _SENTENCES / frames


def _frames_made(log: Path) -> int:
    lines = (
        Counter(line.split()[0] for line in log.read_text(encoding="utf-8").splitlines()) if log.exists() else Counter()
    )
    return lines["unit"]


def _restart(mesh: Mesh) -> None:
    mesh.servers["orchestrator"].kill()
    mesh.servers["orchestrator"].start()


def figures() -> list[Figure]:
    """The figure."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log = folder / "lipsync.log"
        engines = sleeping_engines({"lipsync": 0.01}, log_file=str(log)) | sleeping_engines({"tts": 0.0})
        with run_mesh(folder, engines) as mesh:
            repeated = [asyncio.run(_repeated_segments(mesh, log, seed)) for seed in range(1, _KILLS + 1)]
    each = ", ".join(f"{segments:.2f}" for segments in repeated)
    conditions = f"in segments, mean of {_KILLS} kills of a job of {_SENTENCES} (each: {each})"
    return [Figure("recover", mean(repeated), "<= 1", conditions)]
