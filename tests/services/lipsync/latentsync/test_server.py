"""The real lip-sync server with a tiny checkpoint."""

import asyncio
import contextlib
import json
import os
import re
import sys
from pathlib import Path

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.lipsync.servicer import SPEC
from services.runtime.media import MediaStore
from tests.checkpoints.latentsync import write_latentsync
from vigent.lipsync.v1 import lipsync_pb2, lipsync_pb2_grpc
from vigent.media.v1 import media_pb2

ROOT = Path(__file__).parents[4]
RATE_HZ = 16000
FRAME_SAMPLES = RATE_HZ // 25


@contextlib.asynccontextmanager
async def server(folder, checkpoint, **options):
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": f"{ROOT}:{ROOT}/protos/gen",
        "VIGENT_CONFIG": str(folder / "vigent.toml"),
        "VIGENT_MEDIA_ROOT": str(folder / "media"),
        "VIGENT_LIPSYNC_PORT": "0",
        "VIGENT_LIPSYNC_METRICS_PORT": "0",
        "VIGENT_LIPSYNC_ENGINE": "latentsync",
        "VIGENT_LIPSYNC_CHECKPOINT": str(checkpoint),
        "VIGENT_LIPSYNC_CACHE_ROOT": str(folder / "cache"),
        "VIGENT_LIPSYNC_OPTIONS": json.dumps(options),
    }
    with (folder / "server.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.lipsync"),
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            cwd=ROOT,
            env=environment,
        )
    try:
        line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
        address = re.search(r"listening on (\S+),", line)[1]
        async with grpc.aio.insecure_channel(address) as channel:
            yield channel, process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def until(channel, wanted):
    watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=SPEC.full_name), timeout=90)
    async for response in watch:
        if response.status == wanted:
            watch.cancel()
            return


async def statuses(channel):
    """What health says until the server ends."""
    said = []
    watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=SPEC.full_name), timeout=90)
    with contextlib.suppress(grpc.aio.AioRpcError):
        async for response in watch:
            said.append(response.status)
    return said


def requests(stored, samples):
    yield lipsync_pb2.LipsyncRequest(
        open=lipsync_pb2.LipsyncOpen(
            footage=media_pb2.MediaRef(sha256=stored.sha256),
            format=media_pb2.AudioFormat(
                encoding=media_pb2.AUDIO_ENCODING_PCM_S16LE, sample_rate_hz=RATE_HZ, channels=1
            ),
            quality=lipsync_pb2.QUALITY_DRAFT,
        )
    )
    for sequence, (start, end) in enumerate(((0, 5000), (5000, len(samples)))):
        chunk = media_pb2.AudioChunk(sequence=sequence, first_sample=start, data=samples[start:end].tobytes())
        yield lipsync_pb2.LipsyncRequest(audio=chunk)
    yield lipsync_pb2.LipsyncRequest(end=lipsync_pb2.LipsyncEnd(samples=len(samples)))


async def test_patches_through_a_real_server(tmp_path, checkpoint, footage):
    stored = MediaStore(tmp_path / "media").put_file(footage.path)
    samples = (np.random.default_rng(2).standard_normal(20 * FRAME_SAMPLES) * 3000).astype("<i2")
    async with server(tmp_path, checkpoint) as (channel, _):
        await until(channel, health_pb2.HealthCheckResponse.SERVING)
        stub = lipsync_pb2_grpc.LipsyncServiceStub(channel)
        events = [event async for event in stub.Lipsync(iter(requests(stored, samples)), timeout=60)]
    patches = [event.patch for event in events if event.WhichOneof("event") == "patch"]
    assert [patch.film_frame for patch in patches] == list(range(20))
    assert all(len(patch.data) == 3 * patch.box.width * patch.box.height for patch in patches)
    assert events[-1].done.frames == 20
    assert events[-1].done.frames_without_face == 4


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("missing", "latentsync_unet.pt is missing"),
        ("changed", "tiny.pt does not have the SHA-256 of the manifest"),
        ("resolution", "was trained at 64, not at 512"),
    ],
)
async def test_a_bad_checkpoint_is_said_clearly_and_never_served(tmp_path, fault, sentence):
    broken = write_latentsync(tmp_path / "broken")
    options = {"resolution": "512"} if fault == "resolution" else {}
    if fault == "missing":
        (broken / "latentsync_unet.pt").unlink()
    if fault == "changed":
        content = bytearray((broken / "whisper/tiny.pt").read_bytes())
        content[-1] ^= 1
        (broken / "whisper/tiny.pt").write_bytes(content)
    async with server(tmp_path, broken, **options) as (channel, process):
        said = await statuses(channel)
        assert await asyncio.wait_for(process.wait(), 60) != 0
    assert health_pb2.HealthCheckResponse.SERVING not in said
    (line,) = (line for line in (tmp_path / "server.log").read_text().splitlines() if line.startswith("lipsync: "))
    assert sentence in line
