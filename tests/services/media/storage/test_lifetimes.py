"""What is used is not removed, and what is removed was not used: raced, with clocks of the file system alone."""

import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from services.media.storage.inventory import Kind, names_in
from services.media.storage.lifetimes import is_held, remove_unused, touch
from services.media.store import MediaStore, recipe_key

ROUNDS, PIECES, USERS, REMOVERS = 30, 12, 4, 3


@pytest.fixture
def store(tmp_path: Path) -> MediaStore:
    return MediaStore(tmp_path / "media")


def kernel_now_s(store: MediaStore) -> float:
    """Unix time as files get it: never later than that of what is used from now on."""
    marker = store.root / "marker"
    marker.touch()
    return marker.stat().st_ctime


def key_of(piece: int) -> str:
    return recipe_key("piece", piece)


@pytest.mark.fault("a piece is removed while a job begins to use it", promised="It stays, or is made again.")
def test_a_piece_that_is_used_is_never_removed(store: MediaStore) -> None:
    """Users find each piece or make it; what they have found since the round began is there when it ends."""
    removed: list[str] = []
    for _ in range(ROUNDS):
        before_s, found = kernel_now_s(store), set[str]()
        entries, start = list(store.entries()), threading.Barrier(USERS + REMOVERS)

        def use(before: set[str] = found, start: threading.Barrier = start) -> None:
            start.wait()
            for piece in random.sample(range(PIECES), PIECES):
                if (stored := store.recall(key_of(piece))) is None:
                    stored = store.put_bytes(b"%d" % piece * 1000)
                    store.remember(key_of(piece), stored)
                before.add(stored.sha256)

        def remove(entries: list = entries, before_s: float = before_s, start: threading.Barrier = start) -> None:
            start.wait()
            for entry in random.sample(entries, len(entries)):
                if entry.kind in {Kind.CONTENT, Kind.KEY} and store.remove(entry, before_s):
                    removed.append(entry.name)

        threads = [threading.Thread(target=work) for work in [use] * USERS + [remove] * REMOVERS]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == PIECES
        assert all(store.path(name).read_bytes() for name in found)
    assert removed, "nothing was ever removed, so nothing was raced"


def test_reading_alone_does_not_count_as_use(store: MediaStore) -> None:
    path = store.path(store.put_bytes(b"content").sha256)
    before = path.stat().st_ctime_ns
    while kernel_now_s(store) * 1e9 <= before:
        continue
    path.read_bytes()
    assert path.stat().st_ctime_ns == before
    modified = path.stat().st_mtime_ns
    touch(path)
    assert (path.stat().st_ctime_ns > before, path.stat().st_mtime_ns) == (True, modified)


def test_what_was_used_later_stays(store: MediaStore) -> None:
    path = store.path(store.put_bytes(b"content").sha256)
    assert not remove_unused(store.root, path, path.stat().st_ctime)
    assert remove_unused(store.root, path, path.stat().st_ctime + 1e-3)
    assert not remove_unused(store.root, path, path.stat().st_ctime + 1 if path.exists() else 2e9)


HOLDER = """
import sys
from pathlib import Path
from services.media.store import MediaStore
with MediaStore(Path(sys.argv[1])).temporary() as path:
    print(path, flush=True)
    sys.stdin.read()
"""


def test_a_half_written_file_belongs_to_its_writer_until_that_dies(store: MediaStore) -> None:
    command = [sys.executable, "-c", HOLDER, str(store.root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        path = Path(writer.stdout.readline().strip())
        (entry,) = [entry for entry in store.entries() if entry.kind is Kind.HALF_WRITTEN]
        assert is_held(path)
        assert not store.remove(entry, entry.used_s + 1)
        writer.kill()
    assert not is_held(path)
    assert store.remove(entry, entry.used_s + 1, dry_run=True)
    assert path.exists()
    assert store.remove(entry, entry.used_s + 1)
    assert not path.exists()


def test_names_are_found_in_texts() -> None:
    name = "0123456789abcdef" * 4
    assert names_in(f'{{"id": "{name}", "url": "/assets/{name}.png", "long": "{name}0"}}') == {name}
