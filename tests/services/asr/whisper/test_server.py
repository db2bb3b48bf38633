"""The real listening server with a tiny checkpoint."""

import grpc
import numpy as np
import pytest

from services.base.status import error_of
from tests.checkpoints.whisper import write_manifest
from tests.support.bad_checkpoints import Fault, Subject, changed, check_faults, missing, truncated
from tests.support.mesh import run_server
from tests.support.spoken import ENGLISH, MIXED, record
from vigent.asr.v1 import asr_pb2, asr_pb2_grpc
from vigent.media.v1 import media_pb2

RATE_HZ = 22_050
FORMAT = media_pb2.AudioFormat(encoding=media_pb2.AUDIO_ENCODING_PCM_S16LE, sample_rate_hz=RATE_HZ, channels=1)


def environment(checkpoint, folder):
    return {
        "OMP_NUM_THREADS": "1",
        "VIGENT_ASR_ENGINE": "whisper",
        "VIGENT_ASR_CHECKPOINT": str(checkpoint),
        "VIGENT_ASR_CACHE_ROOT": str(folder / "cache"),
        "VIGENT_ASR_OPTIONS": '{"cpu_threads": "1", "beam_size": "1"}',
    }


@pytest.fixture(scope="module")
def address(checkpoint, tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    with run_server("services.asr", folder, environment(checkpoint, folder)) as server:
        yield server.address


def sent(request, ending, opening, samples):
    yield request(open=opening)
    for sequence, start in enumerate(range(0, len(samples), 9000)):
        data = samples[start : start + 9000].astype("<i2").tobytes()
        yield request(audio=media_pb2.AudioChunk(sequence=sequence, first_sample=start, data=data))
    yield request(end=ending(samples=len(samples)))


async def test_words_and_segments_through_a_real_server(address):
    text = MIXED[0]
    samples = np.concatenate([record(text).samples, np.zeros(RATE_HZ, np.int16)])
    async with grpc.aio.insecure_channel(address) as channel:
        stub = asr_pb2_grpc.AsrServiceStub(channel)
        opening = asr_pb2.AlignOpen(text=text, format=FORMAT)
        messages = sent(asr_pb2.AlignRequest, asr_pb2.AlignEnd, opening, samples)
        aligned = [event async for event in stub.Align(messages, timeout=60)]
        words = [event.word for event in aligned if event.HasField("word")]
        assert aligned[-1].done.words == len(words) > 10
        assert words[-1].end_sample <= len(samples)
        opening = asr_pb2.TranscribeOpen(format=FORMAT, words=True)
        heard = [
            event
            async for event in stub.Transcribe(
                sent(asr_pb2.TranscribeRequest, asr_pb2.TranscribeEnd, opening, samples), timeout=60
            )
        ]
        assert any(event.HasField("segment") and event.segment.text for event in heard)
        assert heard[-1].done.samples == len(samples)


async def test_a_language_it_does_not_know_is_refused(address):
    opening = asr_pb2.AlignOpen(text=ENGLISH[0], format=FORMAT, language="tlh")
    async with grpc.aio.insecure_channel(address) as channel:
        call = asr_pb2_grpc.AsrServiceStub(channel).Align(
            sent(asr_pb2.AlignRequest, asr_pb2.AlignEnd, opening, record(ENGLISH[0]).samples), timeout=60
        )
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            [event async for event in call]
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "tlh" in refused.value.details()


def of_another_architecture(folder):
    """CTranslate2 writes the kind of network at the head of its file."""
    weights = folder / "model.bin"
    weights.write_bytes(weights.read_bytes().replace(b"WhisperSpec", b"BlisterSpec", 1))
    write_manifest(folder)


async def align(channel):
    opening = asr_pb2.AlignOpen(text=ENGLISH[0], format=FORMAT)
    samples = record(ENGLISH[0]).samples
    messages = sent(asr_pb2.AlignRequest, asr_pb2.AlignEnd, opening, samples)
    return [event async for event in asr_pb2_grpc.AsrServiceStub(channel).Align(messages, timeout=60)]


@pytest.mark.timeout(600)  # the worker imports its framework for every fault
async def test_a_bad_checkpoint_is_said_never_served_and_can_be_mended(checkpoint, tmp_path):
    faults = [
        Fault(missing("model.bin"), "CHECKPOINT_MISSING", "model.bin is missing"),
        Fault(truncated("model.bin"), "CHECKPOINT_TRUNCATED", "model.bin has"),
        Fault(changed("model.bin"), "CHECKPOINT_CORRUPT", "model.bin does not have the SHA-256"),
        Fault(of_another_architecture, "CHECKPOINT_INVALID", "BlisterSpec"),
    ]
    settings = environment(checkpoint, tmp_path)
    await check_faults(Subject("asr", "vigent.asr.v1.AsrService", settings, checkpoint, align), faults, tmp_path)


async def test_out_of_memory_fails_one_call_and_the_server_goes_on(checkpoint, tmp_path):
    limited = {"VIGENT_ASR_ENGINE": "tests.support.limited_whisper:LimitedEngine"}
    with run_server("services.asr", tmp_path, environment(checkpoint, tmp_path) | limited) as server:
        worker = server.worker().pid
        async with grpc.aio.insecure_channel(server.address) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as exhausted:
                await align(channel)
            assert exhausted.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert error_of(exhausted.value).reason == "OUT_OF_MEMORY"
            assert "CUDA" not in exhausted.value.details()
            assert (await align(channel))[-1].done.words > 0
        assert server.worker().pid == worker
