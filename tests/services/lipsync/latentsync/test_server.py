"""The real lip-sync server with a tiny checkpoint."""

import grpc
import numpy as np
import pytest
import torch

from services.base.status import error_of
from services.lipsync.latentsync.checkpoint import UNET
from services.lipsync.latentsync.face.landmarks import INSIGHTFACE
from services.lipsync.servicer import SPEC
from services.media.store import MediaStore
from tests.checkpoints.latentsync import write_manifest
from tests.support.bad_checkpoints import Fault, Subject, changed, check_faults, missing, truncated
from tests.support.mesh import run_server
from vigent.lipsync.v1 import lipsync_pb2, lipsync_pb2_grpc
from vigent.media.v1 import media_pb2

RATE_HZ = 16000
FRAME_SAMPLES = RATE_HZ // 25


def environment(folder, engine="latentsync"):
    return {
        "OMP_NUM_THREADS": "1",
        "VIGENT_LIPSYNC_ENGINE": engine,
        "VIGENT_LIPSYNC_CACHE_ROOT": str(folder / "cache"),
    }


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


async def synced(channel, stored):
    stub = lipsync_pb2_grpc.LipsyncServiceStub(channel)
    samples = (np.random.default_rng(2).standard_normal(20 * FRAME_SAMPLES) * 3000).astype("<i2")
    return [event async for event in stub.Lipsync(iter(requests(stored, samples)), timeout=60)]


async def test_patches_through_a_real_server(tmp_path, checkpoint, footage):
    stored = MediaStore(tmp_path / "media").put_file(footage.path)
    settings = environment(tmp_path) | {"VIGENT_LIPSYNC_CHECKPOINT": str(checkpoint)}
    with run_server("services.lipsync", tmp_path, settings) as server:
        async with grpc.aio.insecure_channel(server.address) as channel:
            events = await synced(channel, stored)
    patches = [event.patch for event in events if event.WhichOneof("event") == "patch"]
    assert [patch.film_frame for patch in patches] == list(range(20))
    assert all(len(patch.data) == 3 * patch.box.width * patch.box.height for patch in patches)
    assert events[-1].done.frames == 20
    assert events[-1].done.frames_without_face == 4


def of_another_resolution(folder):
    """The weights of 1.5, passed off as made for 512."""
    write_manifest(folder, resolution=512, version="1.5")


def of_another_architecture(folder):
    weights = {"down_blocks.0.motion_modules.0.x": torch.zeros(1)}
    torch.save({"state_dict": weights}, folder / UNET)
    write_manifest(folder)


def of_half_an_insightface(folder):
    (folder / INSIGHTFACE).mkdir()


@pytest.mark.timeout(600)  # the worker imports its framework for every fault
async def test_a_bad_checkpoint_is_said_never_served_and_can_be_mended(tmp_path, checkpoint, footage):
    stored = MediaStore(tmp_path / "media").put_file(footage.path)
    faults = [
        Fault(missing(UNET), "CHECKPOINT_MISSING", f"{UNET} is missing"),
        Fault(truncated(UNET), "CHECKPOINT_TRUNCATED", f"{UNET} has"),
        Fault(changed("whisper/tiny.pt"), "CHECKPOINT_CORRUPT", "tiny.pt does not have the SHA-256 of the manifest"),
        Fault(of_another_resolution, "CHECKPOINT_WRONG_RESOLUTION", "was trained at 256, not at 512"),
        Fault(of_another_architecture, "CHECKPOINT_INVALID", "lacks"),
        Fault(of_half_an_insightface, "LANDMARKS_UNAVAILABLE", "det_10g.onnx cannot be read as an ONNX model"),
    ]

    async def sync(channel):
        return await synced(channel, stored)

    subject = Subject("lipsync", SPEC.full_name, environment(tmp_path), checkpoint, sync)
    await check_faults(subject, faults, tmp_path)


async def test_out_of_memory_fails_one_call_and_the_server_goes_on(tmp_path, checkpoint, footage):
    stored = MediaStore(tmp_path / "media").put_file(footage.path)
    settings = environment(tmp_path, "tests.support.limited_latentsync:LimitedEngine")
    with run_server("services.lipsync", tmp_path, settings | {"VIGENT_LIPSYNC_CHECKPOINT": str(checkpoint)}) as server:
        worker = server.worker().pid
        async with grpc.aio.insecure_channel(server.address) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as exhausted:
                await synced(channel, stored)
            assert exhausted.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert error_of(exhausted.value).reason == "OUT_OF_MEMORY"
            assert "CUDA" not in exhausted.value.details()
            assert (await synced(channel, stored))[-1].done.frames == 20
        assert server.worker().pid == worker
