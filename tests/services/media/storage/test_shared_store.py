"""The media store on a real S3-compatible server: as the folder's, for several machines, and through faults."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services.base.errors import FailedPreconditionError, InvalidInputError, NotFoundError, UnavailableError
from services.media.storage import object_storage, shared_store
from services.media.storage.cache_limit import CacheLimit
from services.media.storage.inventory import Kind
from services.media.storage.object_storage import ObjectStorage
from services.media.storage.opening import open_store
from services.media.storage.shared_store import SharedMediaStore
from services.media.store import DAMAGED, MediaStore, recipe_key
from tests.support.object_storage import SECRET, ObjectServer, object_server

LARGE = 40 << 20
KEY = recipe_key("film")
Machine = Callable[[], MediaStore]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectServer]:
    with object_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def machine(server: ObjectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """Another machine at each call: a store with an empty cache, over the test's own prefix."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("VIGENT_OBJECT_STORAGE", f"s3://media/{tmp_path.name}")
    monkeypatch.setenv("VIGENT_CONFIG", str(tmp_path / "none.toml"))
    count = iter(range(100))
    yield lambda: open_store(tmp_path / f"machine-{next(count)}")
    server.way.delay_s, server.way.fail_every, server.way.away = 0.0, 0, False


def storage_of(store: MediaStore) -> ObjectStorage:
    assert isinstance(store, SharedMediaStore)
    return store._storage


def object_of(sha256: str) -> str:
    return f"content/{sha256[:2]}/{sha256}"


def test_what_one_machine_stores_others_read(machine: Machine) -> None:
    one, other = machine(), machine()
    small, large = one.put_bytes(b"words"), one.put_bytes(os.urandom(LARGE), "video/mp4")
    one.remember(KEY, large)
    assert other.recall(KEY) == large
    assert other.path(large.sha256).read_bytes() == one.path(large.sha256).read_bytes()
    assert other.path(small.sha256).read_bytes() == b"words"
    assert machine().path(one.put_bytes(b"").sha256).read_bytes() == b""
    with pytest.raises(NotFoundError):
        other.path(hashlib.sha256(b"never stored").hexdigest())
    other.discard(large.sha256)
    assert machine().recall(KEY) is None


def test_no_call_on_hot_paths_lists(machine: Machine, server: ObjectServer) -> None:
    server.way.lines.clear()
    one, other = machine(), machine()
    one.remember(KEY, one.put_bytes(b"piece"))
    assert other.recall(KEY)
    assert other.recall(recipe_key("nothing")) is None
    other.documents.edit("footage", lambda _: "{}")
    assert one.documents.read("footage") == "{}"
    assert not [line for line in server.way.lines if "list-type" in line]
    assert [entry.kind for entry in one.entries()].count(Kind.CONTENT) == 1
    assert [line for line in server.way.lines if "list-type" in line]


def test_large_files_go_and_come_in_parts(machine: Machine, server: ObjectServer) -> None:
    one, other = machine(), machine()
    server.way.lines.clear()
    stored = one.put_bytes(os.urandom(LARGE))
    other.path(stored.sha256)
    parts = [line for line in server.way.lines if line.startswith("PUT") and "partNumber=" in line]
    ranges = [line for line in server.way.lines if line.startswith("GET") and stored.sha256 in line]
    assert len(parts) == len(ranges) == LARGE // (8 << 20)


def test_what_is_damaged_in_the_storage_is_set_aside_and_can_be_made_again(machine: Machine) -> None:
    one = machine()
    stored = one.put_bytes(b"what was written")
    one.remember(KEY, stored)
    storage_of(one).put(object_of(stored.sha256), b"what was writtem")
    notes: list[str] = []
    other = machine().noting(notes.append)
    assert other.recall(KEY) is None
    assert notes == [stored.sha256]
    for store in (other, machine()):
        with pytest.raises(NotFoundError) as caught:
            store.path(stored.sha256, "spec.footage")
        assert (caught.value.reason, caught.value.field) == (DAMAGED, "spec.footage")
    assert other.put_bytes(b"what was written").sha256 == stored.sha256
    assert machine().path(stored.sha256).read_bytes() == b"what was written"


def test_what_is_damaged_in_the_cache_is_fetched_again(machine: Machine) -> None:
    one = machine()
    stored = one.put_bytes(b"what was written")
    one.path(stored.sha256).write_bytes(b"what was writtem")
    assert one.path(stored.sha256).read_bytes() == b"what was written"


def test_documents_take_every_change(machine: Machine) -> None:
    stores = [machine() for _ in range(4)]

    def add(number: int) -> None:
        stores[number % 4].documents.edit("footage", lambda text: f"{text or ''}{number},")

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(add, range(12)))
    assert sorted((stores[0].documents.read("footage") or "").split(",")[:-1]) == sorted(map(str, range(12)))
    assert stores[1].documents.names() == ["footage"]
    assert stores[1].documents.read("music") is None


def test_the_cache_keeps_to_its_limit_but_nothing_in_use_goes(machine: Machine, tmp_path: Path) -> None:
    one = machine()
    names = [one.put_bytes(bytes([number]) * 100_000).sha256 for number in range(20)]
    for in_use_s, most in ((0.0, 1_000_000), (900.0, 10**9)):
        root = tmp_path / f"small-{in_use_s}"
        small = SharedMediaStore(root, storage_of(one), CacheLimit(root, 1_000_000, in_use_s))
        for name in names:
            assert small.path(name).read_bytes() == one.path(name).read_bytes()
        kept = sum(path.stat().st_size for path in (root / "content").glob("*/*"))
        assert 100_000 <= kept <= most
        assert (kept == 2_000_000) == (in_use_s > 0)


def test_of_many_who_want_a_file_one_fetches_it(machine: Machine, server: ObjectServer) -> None:
    stored = machine().put_bytes(os.urandom(1 << 20))
    other = machine()
    server.way.lines.clear()
    server.way.delay_s = 0.05
    with ThreadPoolExecutor(8) as threads:
        paths = set(threads.map(other.path, [stored.sha256] * 8))
    assert len(paths) == 1
    assert len([line for line in server.way.lines if line.startswith("GET")]) == 1


@pytest.mark.fault(
    "object storage slow, failing or away",
    promised="Calls are tried again; what is stored arrives whole. Jobs wait for it, none is lost.",
)
def test_one_call_in_ten_fails_and_all_are_slow(machine: Machine, server: ObjectServer) -> None:
    server.way.fail_every, server.way.delay_s = 10, 0.01
    one, other = machine(), machine()
    contents = [os.urandom(LARGE), *(b"piece %d" % number for number in range(40))]
    for number, content in enumerate(contents):
        one.remember(recipe_key(number), one.put_bytes(content))
    failed = server.way.failed
    for number, content in enumerate(contents):
        stored = other.recall(recipe_key(number))
        assert stored
        assert other.path(stored.sha256).read_bytes() == content
    assert failed > 5
    assert server.way.failed > failed


def test_storage_that_comes_back_is_waited_for(machine: Machine, server: ObjectServer) -> None:
    one = machine()
    server.way.away = True
    storing = threading.Thread(target=lambda: one.remember(KEY, one.put_bytes(b"made while it was away")))
    storing.start()
    while server.way.failed < 6:
        assert storing.is_alive()
        threading.Event().wait(0.02)
    server.way.away = False
    storing.join()
    assert machine().recall(KEY) == one.recall(KEY)


def test_storage_that_stays_away_is_named(
    machine: Machine, server: ObjectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_storage, "_PATIENCE_S", 0.0)
    one = machine()
    cached = one.put_bytes(b"here").sha256
    server.way.away = True
    with pytest.raises(UnavailableError) as caught:
        one.path("0" * 64)
    assert caught.value.reason == "STORE_AWAY"
    assert one.path(cached).read_bytes() == b"here"
    assert [path.name for path in (one.root / "tmp").iterdir()] == []


def test_credentials_are_told_nowhere(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-and-secret")
    with pytest.raises(FailedPreconditionError, match="AWS_SECRET_ACCESS_KEY") as caught:
        machine().put_bytes(b"piece")
    told = f"{caught.value!r} {caught.value.__cause__} {caplog.text}"
    assert "wrong-and-secret" not in told
    assert SECRET not in told
    monkeypatch.setenv("VIGENT_OBJECT_STORAGE", "s3://someone:password@media")
    with pytest.raises(InvalidInputError) as refused:
        machine()
    assert "password" not in str(refused.value)


def test_what_was_removed_elsewhere_is_forgotten_here(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    one, collector = machine(), machine()
    one.remember(KEY, one.put_bytes(b"piece"))
    monkeypatch.setattr(shared_store, "_FRESH_S", -1.0)
    for entry in collector.entries():
        assert not collector.remove(entry, entry.used_s)
        assert collector.remove(entry, entry.used_s + 1, dry_run=True)
        assert collector.remove(entry, entry.used_s + 1)
    assert list(collector.entries()) == []
    assert one.recall(KEY) is None
    one.remember(KEY, one.put_bytes(b"piece"))
    assert machine().recall(KEY)
