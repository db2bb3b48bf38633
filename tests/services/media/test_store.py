"""The media store holds whole content under its hash, whatever happens while it is written."""

import errno
import hashlib
import os
import subprocess
import sys
import threading
import time
import tracemalloc
from unittest.mock import Mock

import pytest

from services.base.errors import ExhaustedError, FailedPreconditionError, InvalidInputError, NotFoundError
from services.media.store import DAMAGED, MediaStore, StoredFile, recipe_key

CONTENT = b"a film"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def store(tmp_path):
    return MediaStore(tmp_path / "media")


def files_of(store):
    return sorted(path for path in store.root.rglob("*") if path.is_file())


def test_a_folder_that_cannot_be_used_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FailedPreconditionError, match="VIGENT_MEDIA_ROOT") as caught:
        MediaStore(tmp_path / "file" / "media")
    assert caught.value.field == "media_root"


def test_content_is_found_by_its_hash(store):
    stored = store.put_bytes(CONTENT, "video/mp4")
    assert stored == StoredFile(SHA256, len(CONTENT), "video/mp4")
    assert store.path(SHA256).read_bytes() == CONTENT
    assert MediaStore(store.root).path(SHA256).read_bytes() == CONTENT


def test_every_way_in_gives_the_same(store, tmp_path):
    source = tmp_path / "source"
    source.write_bytes(CONTENT)
    with store.temporary(".mp4") as path:
        path.write_bytes(CONTENT)
        adopted = store.adopt(path)
    assert adopted == store.put_file(source) == store.put_chunks([b"a ", b"", b"film"]) == store.put_bytes(CONTENT)
    assert source.exists()
    assert files_of(store) == [store.path(SHA256)]


def test_empty_content_is_content(store):
    assert store.path(store.put_bytes(b"").sha256).read_bytes() == b""


def test_many_writers_of_the_same(store):
    contents = [bytes([index % 3]) * 100_000 for index in range(24)]
    writers = [threading.Thread(target=store.put_bytes, args=(content,)) for content in contents]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(files_of(store)) == 3
    for content in contents:
        assert store.path(hashlib.sha256(content).hexdigest()).read_bytes() == content


def test_chunks_are_not_held_in_memory(store):
    tracemalloc.start()
    stored = store.put_chunks(bytes(1 << 20) for _ in range(64))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert stored.size_bytes == 64 << 20
    assert peak < 4 << 20


def test_source_that_breaks_off_leaves_nothing(store):
    def chunks():
        yield b"begin"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        store.put_chunks(chunks())
    assert files_of(store) == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_full_disk_is_exhausted(store, code):
    def chunks():
        yield b"begin"
        raise OSError(code, os.strerror(code))

    with pytest.raises(ExhaustedError, match="disk") as caught:
        store.put_chunks(chunks())
    assert caught.value.retryable
    assert files_of(store) == []


def test_content_that_is_there_stays_the_file_that_it_is(store):
    path = store.path(store.put_bytes(b"piece").sha256)
    before = path.stat()
    assert store.put_bytes(b"piece").sha256 == MediaStore(store.root).put_bytes(b"piece").sha256 == path.name
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert path.stat().st_nlink == 1
    assert files_of(store) == [path]


def test_content_moves_in_where_there_are_no_hard_links(store, monkeypatch):
    monkeypatch.setattr(os, "link", Mock(side_effect=OSError(errno.EPERM, os.strerror(errno.EPERM))))
    assert store.path(store.put_bytes(b"piece").sha256).read_bytes() == b"piece"


def test_damaged_content_is_set_aside_until_it_is_put_again(store):
    name = store.put_bytes(b"what was written").sha256
    path = store.path(name)
    path.write_bytes(b"what was writtem")
    with pytest.raises(NotFoundError) as caught:
        store.path(name, "spec.footage")
    assert (caught.value.reason, caught.value.field) == (DAMAGED, "spec.footage")
    with pytest.raises(NotFoundError, match="was found damaged"):
        store.path(name)
    assert store.put_bytes(b"what was written").sha256 == name
    assert store.path(name).read_bytes() == b"what was written"


def test_a_process_reads_content_once_to_check_it(store, monkeypatch):
    name = store.put_bytes(b"piece").sha256
    other = MediaStore(store.root)
    other.path(name)
    monkeypatch.setattr(hashlib, "file_digest", None)
    assert other.path(name) == store.path(name)


def test_damaged_pieces_are_noted_and_not_recalled(store):
    notes = []
    store.remember(SHA256, store.put_bytes(b"piece"))
    noting = store.noting(notes.append)
    assert noting.recall(SHA256) == store.recall(SHA256)
    name = store.recall(SHA256).sha256
    store.path(name).write_bytes(b"peace")
    assert store.recall(SHA256) is None
    assert noting.recall(SHA256) is None
    assert notes == [name]


def test_a_key_that_is_damaged_is_none(store):
    store.remember(SHA256, store.put_bytes(b"piece"))
    (store.root / "keys" / SHA256).write_bytes(b"\xff 12")
    assert store.recall(SHA256) is None


def test_scrubbing_reads_everything(store):
    names = [store.put_bytes(data).sha256 for data in (b"one", b"two")]
    store.path(names[1]).write_bytes(b"tow")
    assert dict(store.scrub()) == {names[0]: True, names[1]: False}
    assert dict(store.scrub()) == {names[0]: True}


KILLED_WRITER = """
import sys, time
from pathlib import Path
from services.media.store import MediaStore
def chunks():
    yield b"x" * 100_000
    print("writing", flush=True)
    time.sleep(60)
MediaStore(Path(sys.argv[1])).put_chunks(chunks())
"""


@pytest.mark.fault("crash while a file is written", promised="No half file has a name.")
def test_killed_writer_leaves_no_content_and_is_cleaned_up_later(store):
    with subprocess.Popen([sys.executable, "-c", KILLED_WRITER, store.root], stdout=subprocess.PIPE) as writer:
        assert writer.stdout.readline() == b"writing\n"
        writer.kill()
    (left,) = files_of(store)
    assert left.parent == store.root / "tmp"
    MediaStore(store.root)
    assert left.exists()  # it may belong to a process that has just begun
    with store.temporary() as living:
        for path in (left, living):
            os.utime(path, (time.time() - 900,) * 2)
        MediaStore(store.root)
        assert files_of(store) == [living]


@pytest.mark.parametrize(
    "name", ["", "abc", SHA256.upper(), "../" * 20 + "etc/passwd", "/" + SHA256[1:], SHA256[:-1] + "\0"]
)
def test_what_is_no_hash_is_refused(store, name):
    for use in (store.path, store.recall, store.discard):
        with pytest.raises(InvalidInputError) as caught:
            use(name)
        assert caught.value.field == "sha256"


def test_unknown_content_is_not_found(store):
    with pytest.raises(NotFoundError, match=SHA256):
        store.path(SHA256)


def test_recipes_are_remembered(store):
    key = recipe_key("voice", "text", 1.0)
    assert store.recall(key) is None
    stored = store.put_bytes(CONTENT, "audio/wav; rate=24000")
    store.remember(key, stored)
    assert MediaStore(store.root).recall(key) == stored
    assert store.recall(recipe_key("voice", "text", 1.5)) is None


def test_recipe_of_lost_content_is_forgotten(store):
    stored = store.put_bytes(CONTENT)
    store.remember(recipe_key("film"), stored)
    store.discard(stored.sha256)
    store.discard(stored.sha256)
    assert store.recall(recipe_key("film")) is None


def test_recipe_key_depends_on_every_part():
    keys = {recipe_key(*parts) for parts in [("a", "b"), ("ab",), ("a", "b", ""), ("b", "a"), (1,), ("1",), (1.0,)]}
    assert len(keys) == 7
    assert recipe_key("a", "b") == recipe_key("a", "b")
