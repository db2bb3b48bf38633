"""The film grows while it is spoken, and memory does not grow with it."""

import json
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import psutil
import pytest

from orchestrator.client import JobClient
from services.media.store import MediaStore
from services.media.timeline import FRAME_RATE_HZ
from tests.support.films import ended, facts_of, spec_of, until
from tests.support.mesh import Mesh, run_mesh
from vigent.jobs.v1 import jobs_pb2

LAST = "That was the last one."  # it is not spoken before the file "last" is there


@pytest.fixture
def mesh(tmp_path: Path) -> Iterator[Mesh]:
    """A voice that is fast, but for the last sentence, and a lip-sync that is slow, as they are with large models."""
    voice = {"action": "hold", "only_for": LAST, "hold_file": str(tmp_path / "last"), "budget_s": "300"}
    environment = {
        "VIGENT_TTS_ENGINE": "tests.knobs.tts:KnobsTts",
        "VIGENT_TTS_OPTIONS": json.dumps(voice),
        "VIGENT_LIPSYNC_ENGINE": "tests.knobs.lipsync:KnobsLipsync",
        "VIGENT_LIPSYNC_OPTIONS": json.dumps({"delay_s": "0.004"}),
    }
    with run_mesh(tmp_path, environment) as mesh:
        yield mesh


def sentences(count: int) -> str:
    return " ".join(f"Sentence number {number} of many." for number in range(count))


async def test_the_first_second_can_be_watched_before_the_last_sentence_is_spoken(mesh: Mesh) -> None:
    async with JobClient(mesh.jobs) as client:
        job = (await client.submit(spec_of(mesh, f"{sentences(2)} {LAST}"))).job
        await until(client, job.id, lambda event: event.progress.segments_done == 2)
        frames = sum(segment.frames for segment in (await client.get(job.id)).segments)
        await until(client, job.id, lambda event: event.progress.playable_s > (frames - 1) / FRAME_RATE_HZ)
        preview = (await client.get(job.id)).outputs["preview.mp4"]
        facts = facts_of(MediaStore(mesh.media_root).path(preview.sha256))
        (mesh.data / "last").touch()
        assert (await ended(client, job.id)).state == jobs_pb2.JOB_STATE_DONE
    assert facts.frames == frames > FRAME_RATE_HZ


@pytest.mark.timeout(600)  # a busy machine takes long for so many segments
async def test_memory_stays_flat_over_a_long_script(mesh: Mesh) -> None:
    async with JobClient(mesh.jobs) as client:
        job = (await client.submit(spec_of(mesh, sentences(120)))).job
        early = await _memory_between(mesh, client, job.id, 20, 40)
        late = await _memory_between(mesh, client, job.id, 100, 120)
        await client.cancel(job.id)
    for name, bytes_early in early.items():
        assert late[name] <= 1.1 * bytes_early + 8 * 2**20, f"{name}: {bytes_early:,} -> {late[name]:,} bytes"


async def _memory_between(mesh: Mesh, client: JobClient, job_id: str, first: int, last: int) -> dict[str, float]:
    """Median resident bytes of each process of the mesh while segments `first` to `last` are finished."""
    samples: dict[str, list[int]] = {name: [] for name in mesh.servers}

    def sampled(event: jobs_pb2.JobEvent) -> bool:
        if event.progress.segments_done >= first:
            for name, server in mesh.servers.items():
                family = [psutil.Process(server.process.pid), *psutil.Process(server.process.pid).children()]
                samples[name].append(sum(process.memory_info().rss for process in family))
        return event.progress.segments_done >= last

    await until(client, job_id, sampled)
    return {name: median(values) for name, values in samples.items()}
