"""Another user of the machine gets nothing of a mesh: neither its files nor what its servers on loopback would do."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.mesh.lock import hold
from orchestrator.client import JobClient
from services.base.direct import NO_PROXY
from services.base.private import keep_files_private
from tests.gateway.conftest import client_of
from tests.support.commands import TIMEOUT_S
from tests.support.films import ended, spec_of
from tests.support.keys import another_user
from tests.support.mesh import Server, run_mesh, run_server
from vigent.jobs.v1 import jobs_pb2
from vigent.tts.v1 import tts_pb2, tts_pb2_grpc

OTHERS = stat.S_IRWXG | stat.S_IRWXO


@pytest.fixture(autouse=True)
def usual_umask() -> object:
    before = os.umask(0o022)
    yield
    os.umask(before)


def open_to_others(folder: Path) -> list[str]:
    return [str(path) for path in [folder, *folder.rglob("*")] if path.stat().st_mode & OTHERS]


@pytest.mark.fault("another user of the machine", promised="Reads nothing: folders are 0700, files 0600.")
async def test_what_a_mesh_writes_is_its_owners_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with hold(data, {}), run_mesh(data) as mesh:
        logs = [server.log for server in mesh.servers.values()]  # written by the test
        os.umask(0o077)  # the test itself stores the footage
        async with JobClient(mesh.jobs) as client:
            keep_files_private()  # as the command line does before it stores footage
            job = await ended(client, (await client.submit(spec_of(mesh, "One sentence."))).job.id)
        assert job.state == jobs_pb2.JOB_STATE_DONE
        found = set(open_to_others(data)) - {str(log) for log in logs}
        assert not {path for path in found if not path.endswith("mesh.lock")}
        assert stat.S_IMODE(data.stat().st_mode) == 0o700


@pytest.mark.fault("another user of the machine")
@pytest.mark.skipif(os.geteuid() != 0, reason="Only root can act as another user.")
def test_another_user_finds_nothing(tmp_path: Path) -> None:
    for folder in (tmp_path, *tmp_path.parents[:3]):  # pytest closes its own folders too
        if "pytest" in str(folder):
            folder.chmod(0o755)
    data = tmp_path / "data"
    with hold(data, {}):
        script = data / "script.txt"
        script.write_text("secret", encoding="utf-8")
        for command in (["ls", str(data)], ["cat", str(script)]):
            assert subprocess.run(command, capture_output=True, user="nobody", group="nogroup").returncode
        data.chmod(0o755)  # as an earlier version left it
    with hold(data, {}):
        assert subprocess.run(["ls", str(data)], capture_output=True, user="nobody", group="nogroup").returncode


@pytest.mark.fault("another user of the machine")
@pytest.mark.skipif(os.geteuid() != 0, reason="Only root can act as another user.")
def test_no_server_on_loopback_answers_another_user(tmp_path: Path) -> None:
    with run_server("services.tts", tmp_path) as tts, run_server("gateway", tmp_path) as gateway:
        assert http_status(gateway) == 200
        assert grpc_codes(tts) == {grpc.StatusCode.OK}
        with another_user():
            assert http_status(gateway) == 401
            assert grpc_codes(tts) == {grpc.StatusCode.UNAUTHENTICATED}


def http_status(gateway: Server) -> int:
    with client_of(gateway) as client:
        return client.get("/api/v1/voices").status_code


def grpc_codes(tts: Server) -> set[grpc.StatusCode]:
    """How a call of each kind ends: one answer, many, and of the services that every server has."""
    with grpc.insecure_channel(tts.address, [NO_PROXY]) as channel:
        health, stub = health_pb2_grpc.HealthStub(channel), tts_pb2_grpc.TtsServiceStub(channel)
        calls: list[Callable[[], object]] = [
            lambda: health.Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_S),
            lambda: stub.ListVoices(tts_pb2.ListVoicesRequest(), timeout=TIMEOUT_S),
            lambda: list(stub.Synthesize(tts_pb2.SynthesizeRequest(text="One."), timeout=TIMEOUT_S)),
        ]
        return {code_of(call) for call in calls}


def code_of(call: Callable[[], object]) -> grpc.StatusCode:
    try:
        call()
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


def test_a_folder_for_all_stays_one(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    with hold(tmp_path, {}):
        pass
    with hold(tmp_path, {}):
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o1777


def test_what_a_process_writes_after_the_word_is_private(tmp_path: Path) -> None:
    keep_files_private()
    (tmp_path / "file").touch()
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600
