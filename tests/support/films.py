"""Films for tests: specs to submit, jobs to wait for, finished films to look into."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

import av
from PIL import Image
from skimage import data

from orchestrator.client import JobClient
from services.media.store import MediaStore, media_ref
from tests.support.mesh import Mesh
from vigent.jobs.v1 import jobs_pb2

JOB_TIMEOUT_S = 240.0
WIDTH, HEIGHT = 270, 480


@dataclass(frozen=True)
class FilmFacts:
    """What a film file says of itself."""

    frames: int
    width: int
    height: int
    video_s: float
    audio_s: float
    pixel_format: str
    video_codec: str
    audio_codec: str
    audio_rate_hz: int
    audio_channels: int
    rate_hz: float


@cache
def face_picture() -> bytes:
    """A real photograph of a face, in public domain (NASA), as a PNG."""
    file = BytesIO()
    Image.fromarray(data.astronaut()).save(file, "PNG")
    return file.getvalue()


def spec_of(mesh: Mesh, script: str, footage: bytes | None = None, **fields: object) -> jobs_pb2.JobSpec:
    """A small job with the photograph as footage."""
    stored = MediaStore(mesh.media_root).put_bytes(footage or face_picture())
    return jobs_pb2.JobSpec(
        **{"script": script, "width": WIDTH, "height": HEIGHT, "footage": media_ref(stored), **fields}
    )


async def made(mesh: Mesh, spec: jobs_pb2.JobSpec, key: str = "") -> jobs_pb2.Job:
    """The ended job."""
    async with asyncio.timeout(JOB_TIMEOUT_S), JobClient(mesh.jobs) as client:
        job = (await client.submit(spec, key)).job
        return await ended(client, job.id)


async def ended(client: JobClient, job_id: str) -> jobs_pb2.Job:
    """The job once it has ended, through crashes of the orchestrator."""
    async for _ in client.watch(job_id):
        pass
    return await client.get(job_id)


async def until(client: JobClient, job_id: str, condition: Callable[[jobs_pb2.JobEvent], bool]) -> jobs_pb2.JobEvent:
    """The first event that meets the condition."""
    async for event in client.watch(job_id):
        if condition(event):
            return event
    raise AssertionError(f"the job ended before: {await client.get(job_id)}")


def output(mesh: Mesh, job: jobs_pb2.Job, name: str) -> Path:
    """A finished file of a job."""
    assert job.state == jobs_pb2.JOB_STATE_DONE, job.error
    return MediaStore(mesh.media_root).path(job.outputs[name].sha256)


def facts_of(film: Path) -> FilmFacts:
    """Reads a film to its end."""
    with av.open(str(film)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        frames = sum(1 for _ in container.decode(video))
        assert video.duration is not None
        assert audio.duration is not None
        return FilmFacts(
            frames=frames,
            width=video.width,
            height=video.height,
            video_s=float(video.duration * video.time_base),
            audio_s=float(audio.duration * audio.time_base),
            pixel_format=video.pix_fmt or "",
            video_codec=video.codec_context.name,
            audio_codec=audio.codec_context.name,
            audio_rate_hz=audio.rate,
            audio_channels=audio.channels,
            rate_hz=float(video.average_rate or 0),
        )
