import json
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace

import grpc
import numpy as np
import pytest

from services.media.store import MediaStore
from services.media.timeline import frames_of
from tests.support.faces import RATE_HZ, empty_room, portrait, syllables, write_mp4
from tests.support.mesh import run_server
from tests.support.refusals import refusal
from vigent.lipsync.v1 import lipsync_pb2, lipsync_pb2_grpc
from vigent.media.v1 import media_pb2

FORMAT = media_pb2.AudioFormat(encoding=media_pb2.AUDIO_ENCODING_PCM_S16LE, sample_rate_hz=RATE_HZ, channels=1)


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[SimpleNamespace]:
    """A running server, and references to what its store holds."""
    folder = tmp_path_factory.mktemp("lipsync")
    store = MediaStore(folder / "media")
    shots = [*(portrait(n) for n in range(12)), *([empty_room()] * 6)]
    held = {
        "film": write_mp4(folder / "film.mp4", shots),
        "room": write_mp4(folder / "room.mp4", [empty_room()]),
        "text": folder / "text.mp4",
    }
    held["text"].write_text("not a film", encoding="utf-8")
    refs = {name: media_pb2.MediaRef(sha256=store.put_file(path).sha256) for name, path in held.items()}
    environment = {"VIGENT_LIPSYNC_CACHE_ROOT": str(folder / "cache")}
    with run_server("services.lipsync", folder, environment) as running:
        yield SimpleNamespace(address=running.address, refs=refs, media_root=folder / "media")


@pytest.fixture
async def stub(server) -> AsyncIterator[lipsync_pb2_grpc.LipsyncServiceStub]:
    async with grpc.aio.insecure_channel(server.address) as channel:
        yield lipsync_pb2_grpc.LipsyncServiceStub(channel)


def parts(opening, pcm, chunk=1000, end=None):
    """The caller's stream: open, chunks, end."""
    yield lipsync_pb2.LipsyncRequest(open=opening)
    for sequence, start in enumerate(range(0, len(pcm), chunk)):
        data = pcm[start : start + chunk].tobytes()
        audio = media_pb2.AudioChunk(sequence=sequence, first_sample=start, data=data)
        yield lipsync_pb2.LipsyncRequest(audio=audio)
    yield lipsync_pb2.LipsyncRequest(end=lipsync_pb2.LipsyncEnd(samples=len(pcm) if end is None else end))


def opening(ref, **fields):
    return lipsync_pb2.LipsyncOpen(**{"footage": ref, "format": FORMAT, **fields})


async def test_prepare_streams_accepted_then_the_report(server, stub):
    request = lipsync_pb2.PrepareRequest(footage=server.refs["film"])
    events = [event async for event in stub.Prepare(request, timeout=60)]
    assert events[0].accepted.engine == "warp"
    assert {event.WhichOneof("event") for event in events[1:-1]} <= {"progress"}
    report = events[-1].report
    assert (report.width, report.height, report.frames, report.frames_without_face) == (360, 640, 18, 6)
    assert report.problems == ["6 of 18 frames show no face; they stay as they are."]
    assert report.face.width > report.mouth.width > 0


async def test_the_report_comes_last_however_long_the_engine_takes_to_end(server, tmp_path):
    end_file = tmp_path / "end"
    options = {"units": "1", "end_file": str(end_file)}
    environment = {
        "VIGENT_LIPSYNC_ENGINE": "tests.knobs.lipsync:KnobsLipsync",
        "VIGENT_LIPSYNC_OPTIONS": json.dumps(options),
        "VIGENT_LIPSYNC_PROGRESS_INTERVAL_S": "0.05",
        "VIGENT_MEDIA_ROOT": str(server.media_root),
    }
    with run_server("services.lipsync", tmp_path, environment) as slow:
        async with grpc.aio.insecure_channel(slow.address) as channel:
            request = lipsync_pb2.PrepareRequest(footage=server.refs["film"])
            kinds: list[str] = []
            async for event in lipsync_pb2_grpc.LipsyncServiceStub(channel).Prepare(request, timeout=60):
                kinds.append(event.WhichOneof("event"))
                if kinds.count("progress") == 5:  # it had its report long before
                    end_file.touch()
    assert kinds.count("report") == 1
    assert kinds[-1] == "report"


async def test_lipsync_streams_a_patch_a_frame_then_done(server, stub):
    pcm = syllables(1.0)[:-400]
    spec = opening(server.refs["film"], first_film_frame=3, quality=lipsync_pb2.QUALITY_BEST, seed=7)
    events = [event async for event in stub.Lipsync(parts(spec, pcm), timeout=60)]
    assert events[0].HasField("accepted")
    patches = [event.patch for event in events if event.HasField("patch")]
    assert [patch.film_frame for patch in patches] == list(range(3, 3 + frames_of(len(pcm), RATE_HZ)))
    without = [patch for patch in patches if not patch.box.width]
    assert [patch.film_frame for patch in without] == [n for n in range(3, 28) if 12 <= n < 18 or 18 <= n < 23]
    for patch in patches:
        assert len(patch.data) == 3 * patch.box.width * patch.box.height
        assert patch.pixel_format == lipsync_pb2.PIXEL_FORMAT_RGB24
    assert events[-1].done == lipsync_pb2.LipsyncDone(frames=len(patches), frames_without_face=len(without))


async def test_patches_come_before_the_voice_has_ended(server, stub):
    call = stub.Lipsync(timeout=60)
    pcm = syllables(1.0)
    stream = list(parts(opening(server.refs["film"]), pcm))
    for part in stream[:16]:
        await call.write(part)
    while not (await call.read()).HasField("patch"):
        pass
    for part in stream[16:]:
        await call.write(part)
    await call.done_writing()
    while not (event := await call.read()).HasField("done"):
        pass
    assert event.done.frames == 25


async def test_an_empty_voice_gives_no_patch(server, stub):
    none = np.zeros(0, np.int16)
    events = [event async for event in stub.Lipsync(parts(opening(server.refs["film"]), none), timeout=60)]
    assert events[-1].done == lipsync_pb2.LipsyncDone()


@pytest.mark.parametrize(
    ("name", "reason"),
    [("room", "NO_FACE"), ("text", "UNREADABLE_FOOTAGE")],
)
async def test_refuses_useless_footage(server, stub, name, reason):
    expected = (grpc.StatusCode.INVALID_ARGUMENT, "spec.footage", reason)
    request = lipsync_pb2.PrepareRequest(footage=server.refs[name])
    assert await refusal(stub.Prepare(request, timeout=60)) == expected
    assert await refusal(stub.Lipsync(parts(opening(server.refs[name]), syllables(1)), timeout=60)) == expected


async def test_unknown_footage_is_not_found(stub):
    request = lipsync_pb2.PrepareRequest(footage=media_pb2.MediaRef(sha256="0" * 64))
    assert (await refusal(stub.Prepare(request, timeout=60)))[0] == grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({"first_film_frame": -1}, "open.first_film_frame", "FRAME_OUT_OF_RANGE"),
        ({"first_film_frame": 2**63 - 1}, "open.first_film_frame", "FRAME_OUT_OF_RANGE"),
        ({"quality": 9}, "open.quality", "UNKNOWN_QUALITY"),
        (
            {"format": media_pb2.AudioFormat(encoding=1, sample_rate_hz=22_051, channels=1)},
            "open.format.sample_rate_hz",
            "UNEVEN_RATE",
        ),
        (
            {"format": media_pb2.AudioFormat(sample_rate_hz=24_000, channels=1)},
            "open.format.encoding",
            "UNREADABLE_FORMAT",
        ),
        ({"footage": media_pb2.MediaRef(sha256="nonsense")}, "open.footage", "INVALID_INPUT"),
    ],
)
async def test_refuses_a_bad_opening_by_field(server, stub, fields, field, reason):
    spec = opening(server.refs["film"], **fields)
    refused = await refusal(stub.Lipsync(parts(spec, syllables(1)), timeout=60))
    assert refused == (grpc.StatusCode.INVALID_ARGUMENT, field, reason)


async def test_refuses_a_stream_whose_totals_differ(server, stub):
    call = stub.Lipsync(parts(opening(server.refs["film"]), syllables(1), end=5), timeout=60)
    assert await refusal(call) == (grpc.StatusCode.INVALID_ARGUMENT, "end.samples", "TOTALS_DIFFER")


async def test_a_cancelled_call_frees_its_slot(server, stub):
    for _ in range(3):
        call = stub.Lipsync(parts(opening(server.refs["film"]), syllables(20)), timeout=60)
        while not (await call.read()).HasField("patch"):
            pass
        call.cancel()
    events = [event async for event in stub.Lipsync(parts(opening(server.refs["film"]), syllables(1)), timeout=60)]
    assert events[-1].done.frames == 25
