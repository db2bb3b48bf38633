"""Room that is promised to jobs, on a small disk."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.jobs.room import DiskRoom, needed_bytes
from services.base.errors import ExhaustedError
from services.media.store import MediaStore, media_ref
from tests.support.small_disk import small_disk
from vigent.jobs.v1 import jobs_pb2

MIB = 2**20


@pytest.fixture
def room(tmp_path: Path) -> Iterator[DiskRoom]:
    """16 MiB, of which 4 stay free."""
    with small_disk(tmp_path / "disk", 16) as disk:
        yield DiskRoom(MediaStore(disk.path / "media"), 4 * MIB)


def test_two_films_do_not_get_the_same_room(room: DiskRoom) -> None:
    room.promise("one", 7 * MIB)
    with pytest.raises(ExhaustedError) as caught:
        room.promise("two", 7 * MIB)
    assert caught.value.reason == "DISK_FULL"
    room.promise("three", 3 * MIB)
    assert room.promised_bytes == 10 * MIB


def test_new_jobs_are_refused_where_all_is_promised(room: DiskRoom) -> None:
    room.require()
    room.promise("one", 11 * MIB)
    with pytest.raises(ExhaustedError):
        room.require(2 * MIB)


def test_what_is_written_or_over_is_given_back(room: DiskRoom) -> None:
    with room.given_back("one"):
        room.promise("one", 7 * MIB)
        room.used("one", 5 * MIB)
        assert room.promised_bytes == 2 * MIB
        room.used("one", 5 * MIB)
        assert room.promised_bytes == 0
        room.promise("one", 7 * MIB)  # of another attempt: not added
        assert room.promised_bytes == 7 * MIB
    assert room.promised_bytes == 0
    room.used("one", MIB)
    room.promise("two", 7 * MIB)


def test_a_film_needs_more_if_it_is_longer_larger_or_of_larger_footage(tmp_path: Path) -> None:
    store = MediaStore(tmp_path)
    small, large = (media_ref(store.put_bytes(bytes(size))) for size in (10, MIB))
    spec = jobs_pb2.JobSpec(script="Hello. " * 10, width=270, height=480, footage=small)
    least = needed_bytes(spec, store)
    for field, value in (("script", "Hello. " * 20), ("width", 1080), ("footage", large)):
        other = jobs_pb2.JobSpec()
        other.CopyFrom(spec)
        other.MergeFrom(jobs_pb2.JobSpec(**{field: value}))
        assert needed_bytes(other, store) > least
    assert needed_bytes(jobs_pb2.JobSpec(script="Hello.", width=270, height=480), store) > 0
