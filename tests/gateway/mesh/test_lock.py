"""The lock of a data folder, met in the moment in which another process looks at it or writes into it."""

import fcntl
import json
from pathlib import Path

import pytest

from gateway.mesh import lock
from gateway.mesh.lock import hold, running_mesh, try_to_use
from services.base.errors import FailedPreconditionError

ADDRESSES = {"tts": "127.0.0.1:5"}


@pytest.fixture
def file(tmp_path: Path):
    """The file of the lock, opened by another."""
    with (tmp_path / "mesh.lock").open("a+", encoding="utf-8") as opened:
        yield opened


def test_who_only_looks_keeps_no_mesh_from_starting(tmp_path, file, monkeypatch):
    fcntl.flock(file, fcntl.LOCK_SH)
    monkeypatch.setattr(lock.time, "sleep", lambda _s: fcntl.flock(file, fcntl.LOCK_UN))
    with hold(tmp_path, ADDRESSES):
        assert running_mesh(tmp_path).addresses == ADDRESSES


def test_who_looks_sees_no_mesh_in_another_who_looks(tmp_path, file):
    file.write(json.dumps({"pid": 1, "addresses": ADDRESSES}))  # left by one that was killed
    file.flush()
    fcntl.flock(file, fcntl.LOCK_SH)
    assert running_mesh(tmp_path) is None


def test_a_mesh_that_is_just_writing_where_it_is_is_seen(tmp_path, file, monkeypatch):
    fcntl.flock(file, fcntl.LOCK_EX)

    def written(_s: float) -> None:
        file.write(json.dumps({"pid": 1, "addresses": ADDRESSES}))
        file.flush()

    monkeypatch.setattr(lock.time, "sleep", written)
    assert running_mesh(tmp_path).addresses == ADDRESSES


def test_a_second_mesh_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "_PAUSE_S", 0.0)
    with hold(tmp_path, ADDRESSES), pytest.raises(FailedPreconditionError), hold(tmp_path, ADDRESSES):
        pass


def test_those_who_use_a_mesh_share_it_and_whoever_ends_it_is_alone(tmp_path):
    first, second = try_to_use(tmp_path), try_to_use(tmp_path)
    assert try_to_use(tmp_path, alone=True) is None
    first.close()
    second.close()
    with try_to_use(tmp_path, alone=True):
        assert try_to_use(tmp_path) is None
    try_to_use(tmp_path).close()
