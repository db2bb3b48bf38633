"""`vigent make` never overwrites what goes into the film, nor what it has not written itself."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from gateway.cli.main import main
from gateway.cli.outputs import Outputs, film_file
from services.base.errors import FailedPreconditionError, InvalidInputError, NotFoundError
from services.media.store import MediaStore
from tests.support.films import face_picture
from vigent.media.v1 import media_pb2

BESIDE = ["film.mp4", "film.srt", "film.vtt", "film.ass", "film.jpg", "film.report.json"]
INPUTS = ["SCRIPT", "--footage", "--music", "--style", "--title-style", "--title-file", "--say-file", "--reference"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory of a user."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


@pytest.fixture
def store(tmp_path: Path) -> MediaStore:
    return MediaStore(tmp_path / "media")


def outputs(overwrite: bool = False, **inputs: str | Path | None) -> Outputs:
    return Outputs(Path("film.mp4"), inputs, overwrite)


def made(store: MediaStore, content: str = "made") -> dict[str, media_pb2.MediaRef]:
    refs = {}
    for name in outputs().paths:
        stored = store.put_bytes(f"{content} {name}".encode())
        refs[name] = media_pb2.MediaRef(sha256=stored.sha256, size_bytes=stored.size_bytes)
    return refs


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


@pytest.mark.parametrize("name", BESIDE)
def test_what_was_not_made_here_stays(folder: Path, store: MediaStore, name: str) -> None:
    (folder / name).write_text("mine", encoding="utf-8")
    with pytest.raises(InvalidInputError, match=name) as refused:
        outputs().check(store.root)
    assert "--overwrite" in refused.value.remedy
    with pytest.raises(FailedPreconditionError, match=name):
        outputs().place(made(store), store)
    assert contents(folder) == {name: "mine"}
    outputs(overwrite=True).check(store.root)
    outputs(overwrite=True).place(made(store), store)
    assert sorted(contents(folder)) == sorted(BESIDE)
    assert "mine" not in contents(folder).values()


def test_all_files_that_stand_in_the_way_are_named(folder: Path, store: MediaStore) -> None:
    for name in BESIDE[:2]:
        (folder / name).write_text("mine", encoding="utf-8")
    with pytest.raises(InvalidInputError, match=r"film\.mp4.*film\.srt.* already exist"):
        outputs().check(store.root)


@pytest.mark.parametrize("name", BESIDE)
def test_a_rerun_replaces_its_own_files_until_they_are_edited(folder: Path, store: MediaStore, name: str) -> None:
    outputs().place(made(store, "first"), store)
    outputs().check(store.root)
    outputs().place(made(store, "second"), store)
    assert set(contents(folder).values()) == {f"second {name}" for name in outputs().paths}
    (folder / name).write_text("edited", encoding="utf-8")
    before = contents(folder)
    with pytest.raises(InvalidInputError, match=name):
        outputs().check(store.root)
    with pytest.raises(FailedPreconditionError, match=name):
        outputs().place(made(store, "third"), store)
    assert contents(folder) == before


def test_a_copy_of_an_own_file_under_another_name_is_the_users(folder: Path, store: MediaStore) -> None:
    outputs().place(made(store), store)
    (folder / "kept.mp4").write_bytes((folder / "film.mp4").read_bytes())
    with pytest.raises(InvalidInputError, match=r"kept\.mp4"):
        Outputs(Path("kept.mp4"), {}).check(store.root)


def test_without_the_note_a_file_is_the_users(folder: Path, store: MediaStore, tmp_path: Path) -> None:
    outputs().place(made(store), store)
    with pytest.raises(InvalidInputError):
        outputs().check(tmp_path / "another")
    assert not (tmp_path / "another").exists()


def same(folder: Path, name: str) -> str | Path:
    return name


def dotted(folder: Path, name: str) -> str | Path:
    return f"./../{folder.name}/{name}"


def linked(folder: Path, name: str) -> str | Path:
    (folder.parent / "link").symlink_to(folder / name)
    return folder.parent / "link"


def hard_linked(folder: Path, name: str) -> str | Path:
    """Like another case of the same name, where the file system makes no difference: two names, one file."""
    os.link(folder / name, folder / name.upper())
    return name.upper()


def is_a_link(folder: Path, name: str) -> str | Path:
    (folder / name).rename(folder.parent / "clip")
    (folder / name).symlink_to(folder.parent / "clip")
    return folder.parent / "clip"


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("named", [same, dotted, linked, hard_linked, is_a_link])
@pytest.mark.parametrize("name", BESIDE)
def test_an_input_is_recognised_by_whatever_name(folder, store, name, named, overwrite):
    (folder / name).write_text("mine", encoding="utf-8")
    given = named(folder, name)
    with pytest.raises(InvalidInputError, match=f"{name}.*--music"):
        outputs(overwrite, **{"--footage": "an-id", "--music": given}).check(store.root)
    assert (folder / name).read_text(encoding="utf-8") == "mine"


def test_an_input_in_another_case_is_recognised(folder: Path, store: MediaStore) -> None:
    (folder / "FILM.MP4").write_text("mine", encoding="utf-8")
    if not (folder / "film.mp4").exists():
        pytest.skip("names that differ in case are different files here")
    with pytest.raises(InvalidInputError, match="--footage"):
        outputs(overwrite=True, **{"--footage": "FILM.MP4"}).check(store.root)


def test_standard_input_is_an_input(folder: Path, store: MediaStore, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "film.srt").write_text("mine", encoding="utf-8")
    saved = os.dup(0)
    try:
        with (folder / "film.srt").open(encoding="utf-8") as script:
            os.dup2(script.fileno(), 0)
        with pytest.raises(InvalidInputError, match="SCRIPT"):
            outputs(overwrite=True, SCRIPT="-").check(store.root)
    finally:
        os.dup2(saved, 0)
        os.close(saved)


def a_folder(path: Path) -> None:
    path.mkdir()


def a_dangling_link(path: Path) -> None:
    path.symlink_to("nowhere")


def a_link(path: Path) -> None:
    (path.parent / "clip").write_text("mine", encoding="utf-8")
    path.symlink_to("clip")


def read_only(path: Path) -> None:
    path.write_text("mine", encoding="utf-8")
    path.chmod(0o444)


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize("put", [a_folder, a_dangling_link, a_link, read_only, a_pipe])
@pytest.mark.parametrize("name", BESIDE)
def test_what_is_no_ordinary_file_is_left_alone(folder, store, name, put):
    put(folder / name)
    before = (folder / name).lstat()
    with pytest.raises(InvalidInputError, match=name):
        outputs(overwrite=True).check(store.root)
    with pytest.raises(FailedPreconditionError, match=name):
        outputs(overwrite=True).place(made(store), store)
    assert os.path.samestat((folder / name).lstat(), before)
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_names_too_long_beside_the_film_are_said_before_work(folder: Path, store: MediaStore) -> None:
    film = Path("n" * 245 + ".mp4")
    with pytest.raises(InvalidInputError, match="cannot be written"):
        Outputs(film, {}).check(store.root)
    longest = Outputs(Path("n" * 243 + ".mp4"), {})
    longest.check(store.root)
    longest.place(made(store), store)
    assert len(list(folder.iterdir())) == 6


def test_a_folder_for_the_film_is_made_with_the_film(folder: Path, store: MediaStore) -> None:
    (folder / "there").mkdir()
    for name in ("new/film.mp4", "there/new/deep/film.mp4", "there/film.mp4"):
        film = film_file(Path(name), "script.txt")
        assert [path.name for path in folder.rglob("*")] == ["there"]
        Outputs(film, {}).check(store.root)
    Outputs(film_file(Path("new/deep/film.mp4"), "-"), {}).place(made(store), store)
    assert (folder / "new" / "deep" / "film.srt").is_file()
    with pytest.raises(InvalidInputError, match="cannot be written"):
        film_file(Path("n" * 300) / "film.mp4", "script.txt")


class Meddled(dict[str, media_pb2.MediaRef]):
    """Somebody writes captions at the moment in which the film has been put in place and is noted."""

    def __getitem__(self, name: str) -> media_pb2.MediaRef:
        if Path("film.mp4").exists():
            Path("film.srt").write_text("mine", encoding="utf-8")
        return super().__getitem__(name)


def test_what_appears_at_the_last_moment_is_not_replaced(folder: Path, store: MediaStore) -> None:
    with pytest.raises(FailedPreconditionError, match=r"film\.srt"):
        outputs().place(Meddled(made(store)), store)
    assert contents(folder) == {"film.mp4": "made film.mp4", "film.srt": "mine"}


def test_none_is_replaced_where_one_is_not_whole(folder: Path, store: MediaStore) -> None:
    outputs().place(made(store), store)
    before = contents(folder)
    another = made(store, "another")
    store.discard(another["report.json"].sha256)
    with pytest.raises(NotFoundError):
        outputs().place(another, store)
    assert contents(folder) == before


@pytest.mark.parametrize("option", INPUTS)
def test_make_refuses_before_work(folder, monkeypatch, capsys, option):
    """Each option that names a file is looked at; nothing is stored, nobody is asked."""
    given = {"SCRIPT": "script.txt", "--footage": "face.png"}
    for name, content in {"script.txt": b"Hello.", "face.png": face_picture(), "film.srt": b"Hello=Hi"}.items():
        (folder / name).write_bytes(content)
    given[option] = "film.srt"
    arguments = [given.pop("SCRIPT"), *(word for pair in given.items() for word in pair)]
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setattr("sys.argv", ["vigent", "make", *arguments, "--out", "film.mp4", "--overwrite"])
    with socket.create_server(("127.0.0.1", 0)) as listening:
        monkeypatch.setenv("VIGENT_GATEWAY_ORCHESTRATOR", f"127.0.0.1:{listening.getsockname()[1]}")
        listening.setblocking(False)
        with pytest.raises(SystemExit) as ended:
            main()
        with pytest.raises(BlockingIOError):
            listening.accept()
    said = capsys.readouterr().err
    assert ended.value.code == 2, said
    assert "'film.srt' would be overwritten" in said
    assert option in said
    assert "--out" in said
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_without_out_the_film_does_not_replace_the_footage(folder, monkeypatch, capsys):
    (folder / "a.txt").write_text("Hello.", encoding="utf-8")
    (folder / "a.jpg").write_bytes(face_picture())
    monkeypatch.setattr("sys.argv", ["vigent", "make", "a.txt", "--footage", "a.jpg"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "'a.jpg' would be overwritten, but it is the file given as --footage." in capsys.readouterr().err
    assert (folder / "a.jpg").read_bytes() == face_picture()
