"""The real server and worker with a tiny checkpoint."""

import asyncio
import json
import shutil

import grpc
import numpy as np
import pytest

from services.tts.engine import Synthesis
from tests.checkpoints.qwen3 import write_manifest
from tests.support.bad_checkpoints import Fault, Subject, changed, check_faults, missing, truncated
from tests.support.mesh import run_server
from vigent.tts.v1 import tts_pb2, tts_pb2_grpc

TEXT = "你好，这是 12 hello。"


def environment(folder, cache, **options) -> dict[str, str]:
    return {
        "VIGENT_TTS_ENGINE": "qwen3",
        "VIGENT_TTS_CHECKPOINT": str(folder),
        "VIGENT_TTS_CACHE_ROOT": str(cache),
        "VIGENT_MEDIA_ROOT": str(cache / "media"),
        "OMP_NUM_THREADS": "1",
    } | {f"VIGENT_TTS_OPTIONS__{name.upper()}": value for name, value in options.items()}


@pytest.fixture(scope="module")
def server(folders, tmp_path_factory):
    data = tmp_path_factory.mktemp("tts")
    settings = environment(folders["custom_voice"], data, streams="2") | {"VIGENT_TTS_SLOTS": "2"}
    with run_server("services.tts", data, settings) as server:
        yield server


@pytest.fixture
async def stub(server):
    async with grpc.aio.insecure_channel(server.address) as channel:
        yield tts_pb2_grpc.TtsServiceStub(channel)


async def pcm_of(stub, **request) -> tuple[np.ndarray, tts_pb2.SynthesizeDone]:
    request = {"text": TEXT, "seed": 3} | request
    events = [event async for event in stub.Synthesize(tts_pb2.SynthesizeRequest(**request), timeout=60)]
    data = b"".join(event.audio.data for event in events if event.HasField("audio"))
    assert events[0].accepted.accepted.engine == "qwen3"
    assert events[0].accepted.format.sample_rate_hz == 24_000
    return np.frombuffer(data, "<i2"), events[-1].done


async def test_the_wire_carries_what_the_engine_makes(stub, make_engine):
    from services.enginekit.progress import Progress

    pcm, done = await pcm_of(stub)
    events = list(make_engine("custom_voice").synthesize(Synthesis(TEXT, seed=3), Progress()))
    expected = np.concatenate([event.pcm for event in events[:-1]])
    assert done.finish_reason == tts_pb2.FINISH_REASON_END_OF_TEXT
    assert len(pcm) == done.samples == len(expected)
    assert np.abs(pcm.astype(int) - expected).max() <= 1


async def test_voices_and_refusals(stub):
    listed = await stub.ListVoices(tts_pb2.ListVoicesRequest(), timeout=60)
    assert [voice.id for voice in listed.voices] == ["vivian", "eric"]
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await pcm_of(stub, voice="nobody")
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "vivian, eric" in str(refused.value.details()) + str(refused.value.trailing_metadata())


async def test_a_cancelled_take_frees_its_slot(stub):
    for _ in range(4):
        call = stub.Synthesize(tts_pb2.SynthesizeRequest(text=TEXT, seed=3), timeout=60)
        async for event in call:
            if event.HasField("audio"):
                break
        call.cancel()
    assert (await pcm_of(stub))[1].samples > 0


async def test_a_take_is_the_same_beside_another_that_is_cancelled(stub):
    alone, _ = await pcm_of(stub, seed=5)
    other = stub.Synthesize(tts_pb2.SynthesizeRequest(text="An other one.", seed=6), timeout=60)
    heard = aiter(other)
    while not (await anext(heard)).HasField("audio"):
        pass
    beside = asyncio.create_task(pcm_of(stub, seed=5))
    await anext(heard)
    other.cancel()
    pcm, done = await beside
    assert len(pcm) == done.samples == len(alone)
    assert np.abs(pcm.astype(int) - alone).max() <= 1


def of_another_architecture(folder):
    """The weights are those of another network than config.json describes."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["talker_config"]["num_hidden_layers"] += 1
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    write_manifest(folder)


def without_manifest(folder):
    truncated("model.safetensors")(folder)
    (folder / "manifest.json").unlink()


@pytest.mark.timeout(600)  # the worker imports its framework for every fault
async def test_a_bad_checkpoint_is_said_never_served_and_can_be_mended(folders, tmp_path):
    whole = write_manifest(shutil.copytree(folders["custom_voice"], tmp_path / "whole"))
    weights = "model.safetensors"
    faults = [
        Fault(missing(weights), "CHECKPOINT_MISSING", f"lacks {weights}"),
        Fault(truncated(weights), "CHECKPOINT_TRUNCATED", f"{weights} has"),
        Fault(without_manifest, "CHECKPOINT_TRUNCATED", f"{weights} is broken or truncated"),
        Fault(changed(weights), "CHECKPOINT_CORRUPT", f"{weights} does not have the SHA-256"),
        Fault(of_another_architecture, "CHECKPOINT_INVALID", "do not fit their configuration"),
    ]

    async def speak(channel):
        return await pcm_of(tts_pb2_grpc.TtsServiceStub(channel))

    settings = environment(whole, tmp_path)
    await check_faults(Subject("tts", "vigent.tts.v1.TtsService", settings, whole, speak), faults, tmp_path)


async def test_out_of_memory_fails_one_call_and_the_server_goes_on(folders, tmp_path):
    settings = environment(folders["custom_voice"], tmp_path) | {
        "VIGENT_TTS_ENGINE": "tests.support.limited_qwen3:LimitedEngine"
    }
    with run_server("services.tts", tmp_path, settings) as server:
        worker = server.worker().pid
        async with grpc.aio.insecure_channel(server.address) as channel:
            stub = tts_pb2_grpc.TtsServiceStub(channel)
            request = tts_pb2.SynthesizeRequest(text="memory, please", seed=3)
            with pytest.raises(grpc.aio.AioRpcError) as exhausted:
                [event async for event in stub.Synthesize(request, timeout=60)]
            assert exhausted.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert "CUDA" not in exhausted.value.details()
            events = [event async for event in stub.Synthesize(tts_pb2.SynthesizeRequest(text=TEXT), timeout=60)]
        assert events[-1].done.samples > 0
        assert server.worker().pid == worker
