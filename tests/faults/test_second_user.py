"""Another user of the machine reads nothing of a mesh: neither scripts nor consents nor voices."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from gateway.mesh.lock import hold
from orchestrator.client import JobClient
from services.base.private import keep_files_private
from tests.support.films import ended, spec_of
from tests.support.mesh import run_mesh
from vigent.jobs.v1 import jobs_pb2

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
