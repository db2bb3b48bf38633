import shutil

import numpy as np
import pytest

from services.lipsync.latentsync.networks.cache import FootageCache

PLAIN = {"x": np.arange(3)}


@pytest.fixture
def cache(tmp_path):
    return FootageCache(tmp_path, "0" * 64)


def nothing():
    raise AssertionError("made again")


def turned(content, place):
    return content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]


def cut(path):
    path.write_bytes(path.read_bytes()[:30])


def other(path):
    path.write_bytes(b"no arrays")


def flipped(path):
    """In the numbers, which only the checksum guards."""
    path.write_bytes(turned(path.read_bytes(), path.read_bytes().index(PLAIN["x"].tobytes())))


def header(path):
    path.write_bytes(turned(path.read_bytes(), path.read_bytes().index(b"descr")))


@pytest.mark.parametrize("damage", [cut, other, flipped, header])
def test_a_damaged_file_is_made_again(cache, tmp_path, damage):
    cache.arrays("x", lambda: PLAIN)
    (path,) = tmp_path.rglob("x.npz")
    damage(path)
    assert cache.arrays("x", lambda: PLAIN)["x"].tolist() == [0, 1, 2]
    assert cache.arrays("x", nothing)["x"].tolist() == [0, 1, 2]
    assert not list(tmp_path.rglob("*.tmp"))


def test_no_byte_of_a_file_can_break_a_call(cache, tmp_path):
    cache.arrays("x", lambda: PLAIN)
    (path,) = tmp_path.rglob("x.npz")
    whole = path.read_bytes()
    for place in range(0, len(whole), 3):
        path.write_bytes(turned(whole, place))
        assert "x" in cache.arrays("x", lambda: PLAIN)


def test_a_folder_that_cannot_be_written_costs_time_only(tmp_path):
    (tmp_path / "latentsync").write_text("in the way", encoding="utf-8")
    cache = FootageCache(tmp_path, "0" * 64)
    cache.make_room(0)
    for _ in range(2):
        assert cache.arrays("x", lambda: PLAIN) is PLAIN
    assert (tmp_path / "latentsync").read_text(encoding="utf-8") == "in the way"


def test_a_full_disk_costs_time_only(cache, tmp_path, monkeypatch):
    def full(file, **_):
        file.write(b"PK")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    assert cache.arrays("x", lambda: PLAIN) is PLAIN
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_folder_that_another_replica_removes_meanwhile_is_made_anew(cache, tmp_path):
    def interrupted():
        shutil.rmtree(tmp_path / "latentsync")
        return PLAIN

    cache.make_room(10**6)
    cache.arrays("x", interrupted)
    assert cache.arrays("x", nothing)["x"].tolist() == [0, 1, 2]


def test_what_a_crash_left_behind_is_counted_and_removed(cache, tmp_path):
    left = tmp_path / "latentsync" / ("1" * 64) / "half.tmp"
    left.parent.mkdir(parents=True)
    left.write_bytes(bytes(1000))
    cache.make_room(1000)
    assert left.exists()
    cache.make_room(999)
    assert not left.exists()
