"""Restarts under load: the others take the calls of one that ends, and who is alone is waited for. None fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from gateway.mesh.plan import MeshPlan
from gateway.mesh.supervisor import Supervisor
from services.base.client import open_channel, remote_errors, retrying
from services.base.errors import FailedPreconditionError
from services.base.names import FULL_NAMES
from services.media.store import MediaStore, media_ref
from tests.support.servers import events
from vigent.lipsync.v1 import lipsync_pb2
from vigent.lipsync.v1.lipsync_pb2_grpc import LipsyncServiceStub
from vigent.tts.v1 import tts_pb2
from vigent.tts.v1.tts_pb2_grpc import TtsServiceStub

CALLERS, CALLS = 6, 2000
SETTINGS = {
    "VIGENT_TTS_ENGINE": "tests.knobs.tts:KnobsTts",
    "VIGENT_LIPSYNC_ENGINE": "tests.knobs.lipsync:KnobsLipsync",
}


@asynccontextmanager
async def mesh_of(
    data: Path, monkeypatch: pytest.MonkeyPatch, **options: str
) -> AsyncIterator[tuple[Supervisor, MeshPlan]]:
    """A voice server and two of lip-sync, whose engine has these options."""
    monkeypatch.setenv("VIGENT_LIPSYNC_REPLICAS", "2")
    plan = MeshPlan.here(port_base=0)
    names = ["tts", "lipsync", "lipsync-2"]
    settings = SETTINGS | {"VIGENT_LIPSYNC_OPTIONS": json.dumps({"units": "1", **options})}
    async with Supervisor(plan, data, lambda *_: None, names, settings=settings) as mesh:
        await mesh.wait_ready()
        yield mesh, plan


async def under_load(restarting: Awaitable[object], call: Callable[[], Awaitable[object]], least: int) -> int:
    """How many calls were made, one after another by each caller, until it is done; at least so many."""
    task, made = asyncio.ensure_future(restarting), 0

    async def caller() -> None:
        nonlocal made
        while not task.done() or made < least:
            await call()
            made += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(CALLERS):
            group.create_task(caller())
    await task
    return made


async def restarted(mesh: Supervisor, service: str) -> None:
    async for _ in mesh.restart(service):
        pass


@pytest.mark.fault(
    "rolling restart under load",
    promised="No call of 2,000 fails; who has no other replica is waited for.",
)
async def test_replicas_restart_one_after_another_and_no_call_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    footage = media_ref(MediaStore(tmp_path / "media").put_bytes(b"footage"))
    async with mesh_of(tmp_path, monkeypatch) as (mesh, plan), AsyncExitStack() as stack:
        target = f"ipv4:{plan.addresses.targets('lipsync')}"
        channel = await stack.enter_async_context(open_channel(target, FULL_NAMES["lipsync"]))
        stub = LipsyncServiceStub(channel)

        async def call() -> None:
            with remote_errors():
                responses = stub.Prepare(lipsync_pb2.PrepareRequest(footage=footage), timeout=60, wait_for_ready=True)
                kinds = [response.WhichOneof("event") async for response in responses]
            assert kinds[-1] == "report"

        replicas = [mesh.processes[name] for name in ("lipsync", "lipsync-2")]
        before = {replica.process for replica in replicas}
        made = await under_load(restarted(mesh, "lipsync"), call, CALLS)
        print(f"{made} calls, none failed")
        assert not {replica.process for replica in replicas} & before
        assert [replica.restarts for replica in replicas] == [0, 0]  # after failures


@pytest.mark.fault("rolling restart under load")
async def test_who_is_alone_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with mesh_of(tmp_path, monkeypatch) as (mesh, plan), AsyncExitStack() as stack:
        channel = await stack.enter_async_context(open_channel(plan.addresses.targets("tts"), FULL_NAMES["tts"]))
        stub = TtsServiceStub(channel)

        async def call() -> None:
            async for attempt in retrying(outage_s=60):
                with attempt, remote_errors():
                    said = await events(stub.Synthesize(tts_pb2.SynthesizeRequest(text="a"), timeout=60))
            assert said[-1] == "done"

        await under_load(restarted(mesh, "tts"), call, 100)


@pytest.mark.fault(
    "reload to a bad version",
    promised="A restart of a service ends with the first replica that does not get ready, and says why; the others "
    "stay with the old version and serve.",
)
async def test_a_version_that_cannot_be_loaded_gets_no_further_than_one_replica(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    footage = media_ref(MediaStore(tmp_path / "media").put_bytes(b"footage"))
    broken_file = tmp_path / "broken"
    async with mesh_of(tmp_path, monkeypatch, broken_file=str(broken_file)) as (mesh, plan), AsyncExitStack() as stack:
        target = f"ipv4:{plan.addresses.targets('lipsync')}"
        stub = LipsyncServiceStub(await stack.enter_async_context(open_channel(target, FULL_NAMES["lipsync"])))

        async def call() -> None:
            with remote_errors():
                responses = stub.Prepare(lipsync_pb2.PrepareRequest(footage=footage), timeout=60, wait_for_ready=True)
                assert [response.WhichOneof("event") async for response in responses][-1] == "report"

        old = mesh.processes["lipsync-2"].process
        broken_file.touch()

        async def to_the_bad_version() -> None:
            with pytest.raises(FailedPreconditionError, match="This version is broken"):
                await restarted(mesh, "lipsync")

        await under_load(to_the_bad_version(), call, 100)
        assert mesh.processes["lipsync-2"].process is old
        broken_file.unlink()
        await mesh.processes["lipsync"].ready.wait()
